import { kindsOf, type LineKind } from './line-kinds.ts';

/**
 * What somebody wrote, taken apart. Both texts are as long as the original, with spaces where something was left out.
 */
type WrittenText = {
  /** Without quotes and hidden comments. Code is there. */
  own: string;
  /** Without code, addresses and link targets too: what is said in plain words. */
  plain: string;
};

/**
 * Reads Markdown as a forge shows it: which parts are quotes, which are code. What is shown as a quote is one, so a
 * line right below a quote belongs to it.
 */
export function readSaid(markdown: string): WrittenText {
  const lines = markdown.split('\n');
  const kinds = kindsOf(lines);
  const only = (keep: readonly LineKind[]) =>
    lines.map((line, i) => (keep.includes(kinds[i] ?? 'text') ? line : blank(line))).join('\n');
  const text = only(['text']);
  const hidden = [...rangesOf(text, /<!--[\s\S]*?(?:-->|$(?![\s\S]))/g), ...elements(text, ['blockquote'])];
  const own = without(only(['text', 'code']), hidden);
  const words = without(text, [...hidden, ...elements(text, ['pre', 'code', 'script', 'style', 'textarea'])]);
  const no_code = without(words, codeSpans(words));
  const plain = without(
    no_code,
    rangesOf(no_code, /\bhttps?:\/\/[^\s<>]+|\]\([^()\n]*\)|^ {0,3}\[[^\]\n\u2028\u2029]+\]:.*$/gm),
  );
  return { own, plain };
}

type Range = readonly [start: number, end: number];

function rangesOf(text: string, pattern: RegExp): Range[] {
  return [...text.matchAll(pattern)].map(({ index, 0: found }) => [index, index + found.length]);
}

/** From each opening tag of these elements to the closing one, or to the end. */
function elements(text: string, names: readonly string[]): Range[] {
  return names.flatMap((name) => {
    const found: Range[] = [];
    const tags = new RegExp(`<(/?)${name}(?=[\\s>])`, 'gi');
    let start: number | undefined;
    for (const { index, 1: slash } of text.matchAll(tags)) {
      if (slash === '') start ??= index;
      else if (start !== undefined) {
        found.push([start, index]);
        start = undefined;
      }
    }
    return start === undefined ? found : [...found, [start, text.length] as const];
  });
}

/** Code between backticks: a run of them, up to the next run of the same length in the same paragraph. */
function codeSpans(text: string): Range[] {
  const spans: Range[] = [];
  let offset = 0;
  for (const paragraph of text.split(/(\n[ \t]*\n)/)) {
    const runs = rangesOf(paragraph, /`+/g);
    const last = new Map<number, number>();
    const next = new Map<number, number | undefined>();
    for (let i = runs.length - 1; i >= 0; i -= 1) {
      const [start, end] = runs[i] ?? [0, 0];
      next.set(i, last.get(end - start));
      last.set(end - start, i);
    }
    for (let i = 0; i < runs.length; i += 1) {
      const close = next.get(i);
      if (close === undefined) continue;
      spans.push([offset + (runs[i]?.[0] ?? 0), offset + (runs[close]?.[1] ?? 0)]);
      i = close;
    }
    offset += paragraph.length;
  }
  return spans;
}

function without(text: string, ranges: readonly Range[]): string {
  let out = '';
  let at = 0;
  for (const [start, end] of ranges.toSorted(([a], [b]) => a - b)) {
    if (end <= at) continue;
    const from = Math.max(start, at);
    out += text.slice(at, from) + blank(text.slice(from, end));
    at = end;
  }
  return out + text.slice(at);
}

/** Keeps the line breaks. */
function blank(text: string): string {
  return text.replace(/[^\n]/g, ' ');
}
