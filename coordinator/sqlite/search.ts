/** The most words of a query that count. */
const WORDS_MAX = 10;

/**
 * The query of FTS5 for what a person typed: all words, each as the beginning of one, in any case and without regard to
 * diacritics. Signs within a word, such as in `src/main.ts`, mean its parts in this order. Undefined: there is no word
 * in it.
 */
export function searchQuery(user_id: string, text: string): string | undefined {
  const words = text
    .split(/\s+/)
    .map((word) => word.match(/[\p{L}\p{M}\p{N}\p{Co}]+/gu)?.join(' '))
    .filter((word) => word !== undefined)
    .slice(0, WORDS_MAX);
  if (words.length === 0) return undefined;
  const own = words.map((word) => `"${word}"*`).join(' ');
  return `owner:"${user_id}" AND {prompt title summary repository}:(${own})`;
}
