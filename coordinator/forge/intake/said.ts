/**
 * What somebody wrote, taken apart. Both texts are as long as the original, with spaces where something was left out.
 */
type WrittenText = {
  /** Without quotes and hidden comments. Code is there. */
  own: string;
  /** Without code, addresses and link targets too: what is said in plain words. */
  plain: string;
};

type LineKind = 'text' | 'quote' | 'code';

const FENCE = /^(`{3,}|~{3,})(.*)$/;
/** How far code is indented: a fence that is, is none. */
const CODE_INDENT = 4;
const MARKER = /(?:[-*+]|\d{1,9}[.)])(?=[ \t]|$)/y;
const RULE = /^\s*([-*_])(?:\s*\1){2,}\s*$/;
/** A heading or a rule: it ends with its line. */
const ALONE = /^(?:#{1,6}(?:\s|$)|([-*_])(?:\s*\1){2,}\s*$)/;
/** What makes the paragraph above it a heading. */
const UNDERLINE = /^(?:=+|-+)\s*$/;
/** The marker of an item that may begin within a paragraph: others are some of its words. */
const INTERRUPTS = /^\s*(?:[-*+]|1[.)])\s+\S/;
/** What ends a paragraph, beside a list. */
const NO_LIST_START = /^\s*(?:>|#{1,6}\s|`{3}|~{3})/;
const ORIGINAL_MESSAGE = /^\s*-{2,}\s*original message\s*-{2,}/i;

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
  const plain = without(no_code, rangesOf(no_code, /\bhttps?:\/\/[^\s<>]+|\]\([^()\n]*\)|^ {0,3}\[[^\]\n]+\]:.*$/gm));
  return { own, plain };
}

/** Where code blocks and quotes are. */
function kindsOf(lines: readonly string[]): LineKind[] {
  const items: number[] = [];
  let was_empty_item = false;
  let fence: string | undefined;
  // What the next line may go on with: words are those of a paragraph.
  let before: LineKind | 'nothing' = 'nothing';
  let forwarded = false;
  return lines.map((line) => {
    let is_open = true;
    const kind = ((): LineKind => {
      if (forwarded) return 'quote';
      if (fence !== undefined) {
        if (closes(line, fence, items.at(-1) ?? 0)) fence = undefined;
        return 'code';
      }
      if (ORIGINAL_MESSAGE.test(line)) {
        forwarded = true;
        return 'quote';
      }
      if (was_empty_item && line.trim() === '') items.pop();
      const { indent, rest, begins_item, stands_alone } = enterItems(items, line, before === 'text');
      was_empty_item = begins_item && rest === '';
      is_open = !stands_alone;
      if (indent < CODE_INDENT && rest.startsWith('>')) return 'quote';
      const [, mark = '', info = ''] = FENCE.exec(rest) ?? [];
      if (indent < CODE_INDENT && mark !== '' && !(mark.startsWith('`') && info.includes('`'))) {
        fence = mark;
        return 'code';
      }
      if (before === 'quote' && is_open && !begins_item) return 'quote';
      return before !== 'text' && indent >= CODE_INDENT && rest !== '' ? 'code' : 'text';
    })();
    before = kind === 'text' && !is_open ? 'nothing' : kind;
    return kind;
  });
}

/** Whether a line ends the fence. `column`: where the lines of the list item begin that the fence is in. */
function closes(line: string, fence: string, column: number): boolean {
  const begin = skipBlanks(line, 0, 0);
  const [, mark = '', info = ''] = FENCE.exec(line.slice(begin.at)) ?? [];
  return begin.column - column < CODE_INDENT && mark.startsWith(fence) && info.trim() === '';
}

/**
 * Leaves the list items that a line is not in, and enters those that begin there. `items`: at which columns what is in
 * them begins. Returns the rest of the line, how far it is indented in its item, and whether no line below goes on with
 * it. `is_lazy`: whether words go on with the paragraph above wherever they begin.
 */
function enterItems(items: number[], line: string, is_lazy: boolean) {
  let { at, column } = skipBlanks(line, 0, 0);
  if (at === line.length) return { indent: 0, rest: '', begins_item: false, stands_alone: true };
  const is_rule = RULE.test(line);
  const markerAt = (index: number) => {
    MARKER.lastIndex = index;
    return is_rule ? undefined : MARKER.exec(line)?.[0];
  };
  let marker = markerAt(at);
  const is_within = is_lazy && column >= (items.at(-1) ?? 0);
  if (is_within && !INTERRUPTS.test(line)) marker = undefined;
  const goes_on = is_lazy && marker === undefined && !is_rule && !NO_LIST_START.test(line);
  if (!goes_on) while (column < (items.at(-1) ?? 0)) items.pop();
  let indent = column - (items.at(-1) ?? 0);
  const begins_item = marker !== undefined && indent < CODE_INDENT;
  while (marker !== undefined && indent < CODE_INDENT) {
    const end = column + marker.length;
    ({ at, column } = skipBlanks(line, at + marker.length, end));
    // Blanks that would make it code are a part of it.
    const begin = at === line.length || column - end > CODE_INDENT ? end + 1 : column;
    items.push(begin);
    indent = column - begin;
    marker = markerAt(at);
  }
  const rest = line.slice(at);
  const underlines = is_within && !begins_item && UNDERLINE.test(rest);
  const stands_alone = rest === '' || (indent < CODE_INDENT && (underlines || ALONE.test(rest)));
  return { indent, rest, begins_item, stands_alone };
}

/** The first place that is not blank, and its column: a tab leads to the next one of every four. */
function skipBlanks(line: string, at: number, column: number): { at: number; column: number } {
  for (; line[at] === ' ' || line[at] === '\t'; at += 1)
    column = line[at] === ' ' ? column + 1 : column + 4 - (column % 4);
  return { at, column };
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
