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

/** Text of others, or of a model, for a comment: it mentions nobody and hides nothing. */
export function quiet(text: string): string {
  return text.replace(/<!--/g, '<\u200B!--').replace(/@(?=[\p{L}\p{N}_])/gu, '@\u200B');
}
