import { lexer, type Token, type Tokens } from 'marked';

/** Each level of a list or a quote is one of drawing too. Both overflow the stack at some hundreds. */
const LEVELS_MAX = 100;
/** A line that begins so many: to read thousands of them takes seconds. */
const DEEP_LINE = new RegExp(String.raw`^(?:[ \t]*(?:>|[-*+][ \t]|\d{1,9}[.)][ \t])){${LEVELS_MAX}}`, 'm');

/** The tokens of a Markdown text. Undefined: its lists, quotes or emphasis are nested too deep. */
export function readMarkdown(text: string): readonly Token[] | undefined {
  if (DEEP_LINE.test(text)) return undefined;
  try {
    const tokens = lexer(text);
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
