import { Marked, type Token, type Tokens } from 'marked';

/** Each level of a list or a quote is one of drawing too. Both overflow the stack at some hundreds. */
const LEVELS_MAX = 100;
/** Reading a line that begins so many lists or quotes takes seconds. A rule may have any length. */
const DEEP_LINE = new RegExp(
  String.raw`^(?![ \t]*(?:(?:-[ \t]*)+|(?:\*[ \t]*)+)$)(?:[ \t]*(?:>|[-*+][ \t]|\d{1,9}[.)][ \t])){${LEVELS_MAX}}`,
  'm',
);
/** A block of code, as marked ends it: by as many marks, or with the text. */
const FENCED = /^(`{3,}(?!`)(?!.*`)|~{3,})[^]*?(?:\n\1[~`]* *$|(?![^]))/gm;
/** Where HTML goes on, marks of a block of code are text. */
const HTML = /^ {0,3}</m;
/** The time that a word takes, which may be an address, grows with the square of its length. */
const LONG_WORD = /\S{2000}/;
/** So does the time of the emphasis in a paragraph: a longer one is left without. */
const EMPHASIS_CHARS_MAX = 2_000;

const marked = new Marked({
  tokenizer: { emStrong: (_, paragraph) => (paragraph.length > EMPHASIS_CHARS_MAX ? undefined : false) },
});

/** The tokens of a Markdown text. Undefined: it would take too long, or is nested too deep. */
export function readMarkdown(text: string): readonly Token[] | undefined {
  const prose = HTML.test(text) ? text : text.replaceAll(FENCED, '');
  if (DEEP_LINE.test(prose) || LONG_WORD.test(prose)) return undefined;
  try {
    const tokens = marked.lexer(text);
    return isWithin(tokens, LEVELS_MAX) ? tokens : undefined;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function isWithin(tokens: readonly Token[], levels: number): boolean {
  return tokens.every((token) => levels > 0 && isWithin(within(token), levels - 1));
}

/** The tokens one level below. The type of each is named by its field; marked leaves it open for extensions. */
function within(token: Token): readonly Token[] {
  if (token.type === 'list') return (token as Tokens.List).items;
  if (token.type === 'table') {
    const { header, rows } = token as Tokens.Table;
    return [header, ...rows].flat().flatMap(({ tokens }) => tokens);
  }
  return 'tokens' in token ? (token.tokens ?? []) : [];
}
