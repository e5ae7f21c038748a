import { withoutEnd } from '../forge-text.ts';
import { readSaid } from './said.ts';

/** What somebody asks for; empty: nothing but the mention is there. */
export type Mention = { request: string };

/** What leads over to a mention at the end. */
const TRAIL = /[\s,:;(*_\u2013\u2014-]/;
/** Longer texts are read up to here. Forges take no longer comments. */
const TEXT_CHARS_MAX = 65_536;

/**
 * Finds the first mention of one of these names (`errand` for `@errand`) and what it asks for: the text that follows,
 * else the paragraph that ends with it. A mention in a quote, in code, in a link, in an e-mail address or in a hidden
 * comment is none. Case does not matter.
 */
export function findMention(markdown: string, names: readonly string[]): Mention | undefined {
  const { own, plain } = readSaid(markdown.slice(0, TEXT_CHARS_MAX).replace(/\r\n?/g, '\n'));
  const either = names.map((name) => name.replace(/[^\w-]/g, '')).join('|');
  const mention = new RegExp(
    `(?<![\\p{L}\\p{N}_.+\\-/@\\\\=&%#~])@(?:${either})(?:\\[bot\\])?(?![\\p{L}\\p{N}_@/-]|\\.[\\p{L}\\p{N}]|\\[bot)`,
    'iu',
  );
  const found = mention.exec(plain);
  if (!found) return undefined;
  const after = tidy(own.slice(found.index + found[0].length).replace(/^[ \t,:;.!?)*_\u2013\u2014-]+/, ''));
  if (/[\p{L}\p{N}]/u.test(after)) return { request: after };
  const before = own.slice(0, found.index).split(/\n[ \t]*\n/);
  return { request: withoutEnd(tidy(before.at(-1) ?? ''), TRAIL) };
}

/** Without what was left blank. */
function tidy(text: string): string {
  const lines = text.split('\n').map((line) => line.trimEnd());
  return lines
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
}
