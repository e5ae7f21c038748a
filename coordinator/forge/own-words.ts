import { UNSEEN } from '../../protocol/unseen.ts';

const SIGNED = /^<!-- errand:([0-9a-z]{1,40}) -->/;

/**
 * Signs a text that Errand writes at a forge, by a comment that nobody sees. It works with any token: with that of a
 * person too, whose own comments have no such mark.
 */
export function sign(text: string, id: string): string {
  return `<!-- errand:${id} -->\n${text}`;
}

/** The id that a text was signed with; undefined: Errand has not written it. */
export function signatureOf(text: string): string | undefined {
  return SIGNED.exec(text.trimStart())?.[1];
}

/**
 * Text of others, or of a model, where people at a forge read it: it mentions nobody and hides nothing. A zero-width
 * space comes in between. An e-mail address stays.
 */
export function quiet(text: string): string {
  return text
    .replaceAll(UNSEEN, '')
    .replace(/<!--/g, '<\u200B!--')
    .replace(/(?<![A-Za-z0-9])@(?=[\p{L}\p{N}_])/gu, '@\u200B');
}
