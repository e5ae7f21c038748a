export type LineKind = 'text' | 'quote' | 'code';

/** How far code is indented: no other block begins there. */
const CODE_INDENT = 4;
/** How many quotes in each other are told apart. */
const DEPTH_MAX = 100;
const FENCE = /^(`{3,}(?!`)|~{3,}(?!~))(.*)$/;
const MARKER = /(?:[-*+]|\d{1,9}[.)])(?= |$)/y;
const RULE = /^\s*([-*_])(?:\s*\1){2,}\s*$/;
const HEADING = /^#{1,6}(?:\s|$)/;
/** What makes the paragraph above it a heading. */
const UNDERLINE = /^(?:=+|-+)\s*$/;
/** The marker of an item that may begin within a paragraph: others are some of its words. */
const INTERRUPTS = /^\s*(?:[-*+]|1[.)])\s+\S/;
const ORIGINAL_MESSAGE = /^\s*-{2,}\s*original message\s*-{2,}/i;

/** Where code blocks and quotes are, by the rules of CommonMark. A forwarded mail is a quote up to the end. */
export function kindsOf(lines: readonly string[]): LineKind[] {
  const blocks = new Blocks(1);
  let forwarded = false;
  return lines.map((line) => {
    const kind = blocks.read(withoutTabs(line));
    forwarded ||= kind !== 'code' && ORIGINAL_MESSAGE.test(line);
    return forwarded ? 'quote' : kind;
  });
}

/** The blocks of a text, or of a quote in it, that are open where it was read to. */
class Blocks {
  readonly #depth: number;
  /** The list items in each other: at which columns what is in them begins. */
  readonly #items: number[] = [];
  /** Whether nothing is behind the newest marker yet. */
  #is_empty_item = false;
  /** Whether there is a paragraph. */
  #in_words = false;
  #fence: string | undefined;
  #quote: Blocks | undefined;

  constructor(depth: number) {
    this.#depth = depth;
  }

  /** Whether there is a paragraph, in a quote too: a line that begins no block goes on with it, wherever it begins. */
  get #goes_on(): boolean {
    return this.#in_words || (this.#quote !== undefined && this.#quote.#goes_on);
  }

  /** Reads the next line, which has no tabs. */
  read(line: string): LineKind {
    const column = columnOf(line);
    if (column === line.length) return this.#readBlank();
    const left = this.#items.findIndex((begin) => column < begin);
    const is_inside = left < 0;
    const within = is_inside ? this.#items.length : left;
    const begin = this.#items[within - 1] ?? 0;
    if (this.#fence !== undefined && is_inside) return this.#readFenced(line.slice(column), column - begin);
    const is_below_words = this.#in_words && is_inside;
    const { begun, ...rest } = beginItems(line, { column, begin, is_below_words });
    const is_item = begun.length > 0;
    const begins_block = is_item || beginsBlock(rest, is_below_words);
    if (!begins_block && this.#goes_on) return this.#in_words ? 'text' : 'quote';
    this.#items.splice(within, Infinity, ...begun);
    this.#is_empty_item = rest.text === '';
    if (!is_inside || is_item) this.#quote = undefined;
    return this.#readBlock(rest, is_below_words && !is_item);
  }

  /** Reads what is in a line behind the markers of list items. */
  #readBlock({ text, indent }: Rest, is_below_words: boolean): LineKind {
    this.#in_words = false;
    this.#fence = undefined;
    if (indent < CODE_INDENT && text.startsWith('>')) {
      this.#quote ??= new Blocks(this.#depth + 1);
      this.#quote.#readQuoted(text);
      return 'quote';
    }
    this.#quote = undefined;
    if (indent >= CODE_INDENT) return text === '' ? 'text' : 'code';
    this.#fence = fenceOf(text);
    if (this.#fence !== undefined) return 'code';
    this.#in_words = text !== '' && !endsWithLine(text, is_below_words);
    return 'text';
  }

  /** Reads a line with its `>`. One blank behind it is a part of it. */
  #readQuoted(text: string): void {
    if (this.#depth > DEPTH_MAX) this.#in_words = true;
    else this.read(text.slice(text[1] === ' ' ? 2 : 1));
  }

  #readFenced(text: string, indent: number): LineKind {
    const [, mark = '', info = ''] = FENCE.exec(text) ?? [];
    const closes = indent < CODE_INDENT && mark.startsWith(this.#fence ?? '') && info.trim() === '';
    if (closes) this.#fence = undefined;
    return 'code';
  }

  #readBlank(): LineKind {
    if (this.#fence !== undefined) return 'code';
    if (this.#is_empty_item) this.#items.pop();
    this.#is_empty_item = false;
    this.#in_words = false;
    this.#quote = undefined;
    return 'text';
  }
}

/** What of a line is behind the markers of list items, and how far that is indented in its item. */
type Rest = { text: string; indent: number };

/**
 * Finds the list items that begin in a line. `column`: its first that is not blank. `begin`: where the item begins that
 * it is in. `begun`: the same of each new one.
 */
function beginItems(
  line: string,
  { column, begin, is_below_words }: { column: number; begin: number; is_below_words: boolean },
): Rest & { begun: number[] } {
  const begun: number[] = [];
  let at = column;
  let indent = column - begin;
  if (is_below_words && !INTERRUPTS.test(line)) return { begun, text: line.slice(at), indent };
  const rules = rulesIn(line);
  while (indent < CODE_INDENT && !(at >= rules.first && at <= rules.last)) {
    MARKER.lastIndex = at;
    const [marker] = MARKER.exec(line) ?? [];
    if (marker === undefined) break;
    const end = at + marker.length;
    at = columnOf(line, end);
    // Blanks that would make it code are a part of it.
    const inner = at === line.length || at - end > CODE_INDENT ? end + 1 : at;
    begun.push(inner);
    indent = at - inner;
  }
  return { begun, text: line.slice(at), indent };
}

/** The first and the last column from which the rest of a line is a rule. `last`: -1 if there is none. */
function rulesIn(line: string): { first: number; last: number } {
  const mark = line.trimEnd().at(-1) ?? '';
  let [first, last, marks] = [line.length, -1, 0];
  if (!/[-*_]/.test(mark)) return { first, last };
  for (let at = line.length - 1; line[at] === mark || line[at] === ' '; at--) {
    if (line[at] === ' ') continue;
    first = at;
    marks += 1;
    if (marks === 3) last = at;
  }
  return { first, last };
}

/** Whether a line begins a block other than a paragraph, or ends one that it is in. */
function beginsBlock({ text, indent }: Rest, is_below_words: boolean): boolean {
  if (indent >= CODE_INDENT) return false;
  return text.startsWith('>') || fenceOf(text) !== undefined || endsWithLine(text, is_below_words);
}

/** Whether it is a heading or a rule, with which no line below goes on. */
function endsWithLine(text: string, is_below_words: boolean): boolean {
  return HEADING.test(text) || RULE.test(text) || (is_below_words && UNDERLINE.test(text));
}

/** What opens a code block; undefined: nothing does. */
function fenceOf(text: string): string | undefined {
  const [, mark, info = ''] = FENCE.exec(text) ?? [];
  return mark?.startsWith('`') && info.includes('`') ? undefined : mark;
}

/** The first column from this one that is not blank. */
function columnOf(line: string, from = 0): number {
  let column = from;
  while (line[column] === ' ') column += 1;
  return column;
}

/** With blanks in the place of tabs: each leads to the next column of every four. */
function withoutTabs(line: string): string {
  let column = 0;
  return line.replace(/[^\t]+|\t/g, (part) => {
    const text = part === '\t' ? ' '.repeat(4 - (column % 4)) : part;
    column += text.length;
    return text;
  });
}
