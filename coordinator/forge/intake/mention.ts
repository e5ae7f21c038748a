import { readSaid } from './said.ts';

/** What somebody asks for; empty: nothing but the mention is there. */
export type Mention = { request: string };

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
  return { request: withoutTrail(tidy(before.at(-1) ?? '')) };
}

/*
 * What was left out has become blanks, in runs as long as the text. An expression such as `/ +$/` looks at each run
 * once for each of its characters, so the ends of lines and texts are cut without one.
 */

/** Without what was left blank. */
function tidy(text: string): string {
  const lines = text.split('\n').map((line) => line.trimEnd());
  return lines
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
}

const TRAIL = /[\s,:;(*_\u2013\u2014-]/;

/** Without what leads over to the mention. */
function withoutTrail(text: string): string {
  let end = text.length;
  while (end > 0 && TRAIL.test(text.charAt(end - 1))) end -= 1;
  return text.slice(0, end);
}
