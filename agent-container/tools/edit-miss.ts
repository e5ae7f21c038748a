/** How many lines of the file are shown. */
const SHOWN_LINES_MAX = 30;
const LINE_CHARS_MAX = 500;
/** In a longer file, or for a longer text, only lines that are equal but for their spaces are looked for. */
const COMPARED_LINES_MAX = 100_000;
/** The share of common letter pairs from which a line counts as similar. */
const SIMILARITY_MIN = 0.6;

/** Why the text of an edit is not in the file: shows the lines of the file that are most like it. */
export function explainMiss(path: string, text: string, old_text: string): string {
  const lines = text.split(/\r?\n/);
  const wanted = old_text.replace(/\r?\n$/, '').split(/\r?\n/);
  const first = `old_text is not in ${path}.`;
  const equal = findEqualButSpaces(lines, wanted);
  if (equal !== -1)
    return `${first} These lines differ from it only in spaces; give them exactly:\n${show(lines, equal, wanted.length)}`;
  const similar = findSimilar(lines, wanted);
  if (similar === -1) return `${first} Nothing in it is similar: read the file again, it may have changed.`;
  const differs = wanted.findIndex((line, i) => line !== lines[similar + i]);
  return `${first} The most similar lines are these; the first difference is on line ${similar + differs + 1}:\n${show(lines, similar, wanted.length)}`;
}

function findEqualButSpaces(lines: string[], wanted: string[]): number {
  const [bare, target] = [lines.map(withoutSpaces), wanted.map(withoutSpaces)];
  if (target.every((line) => line === '')) return -1;
  return bare.findIndex((_, i) => target.every((line, j) => bare[i + j] === line));
}

/** Where the most lines are equal or similar to the wanted ones, each at its place; -1 if no line is. */
function findSimilar(lines: string[], wanted: string[]): number {
  if (lines.length * wanted.length > COMPARED_LINES_MAX) return findFirstEqual(lines, wanted);
  const have = lines.map(letterPairs);
  const want = wanted.map(letterPairs);
  let [best, best_score] = [-1, 0];
  for (let at = 0; at < lines.length; at++) {
    let score = 0;
    for (const [i, pairs] of want.entries()) score += similarity(have[at + i], pairs);
    if (score > best_score) [best, best_score] = [at, score];
  }
  return best;
}

/** Where the longest of the wanted lines that the file has would put the whole text. */
function findFirstEqual(lines: string[], wanted: string[]): number {
  const bare = new Map(lines.map((line, i) => [withoutSpaces(line), i]));
  const found = wanted
    .map((line, i) => ({ i, line: withoutSpaces(line) }))
    .filter(({ line }) => line !== '' && bare.has(line))
    .sort((a, b) => b.line.length - a.line.length)[0];
  return found === undefined ? -1 : Math.max(0, (bare.get(found.line) ?? 0) - found.i);
}

/** The share of the letter pairs that both lines have; 0 if it is too small to count. */
function similarity(a: Set<string> | undefined, b: Set<string>): number {
  if (a === undefined || a.size + b.size === 0) return 0;
  const share = (2 * a.intersection(b).size) / (a.size + b.size);
  return share < SIMILARITY_MIN ? 0 : share;
}

function letterPairs(line: string): Set<string> {
  const text = withoutSpaces(line).slice(0, LINE_CHARS_MAX);
  return new Set(Array.from({ length: Math.max(0, text.length - 1) }, (_, i) => text.slice(i, i + 2)));
}

const withoutSpaces = (line: string) => line.replace(/\s+/g, '');

function show(lines: string[], from: number, count: number): string {
  const shown = lines.slice(from, from + Math.min(count, SHOWN_LINES_MAX));
  return shown
    .map((line, i) => `${from + i + 1}\t${line.slice(0, LINE_CHARS_MAX)}`)
    .join('\n')
    .toWellFormed();
}
