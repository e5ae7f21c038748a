import { LIMITS } from './limits.ts';

/**
 * How much structure a JSON text may have. What it costs to parse and to check follows from these, not from its bytes:
 * 4 MB of text are cheap, and 4 MB of zeros are not.
 */
export type ShapeLimits = {
  depth_max: number;
  /** All values and keys. */
  nodes_max: number;
  /** The elements of one array. */
  elements_max: number;
  /** The keys of one object. */
  keys_max: number;
};

/** The limits of any body, with those of its kind. */
export function shapeOf(nodes_max: number): ShapeLimits {
  const { body_depth_max: depth_max, body_elements_max: elements_max, body_keys_max: keys_max } = LIMITS;
  return { depth_max, elements_max, keys_max, nodes_max };
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const BRACE = 0x7b;
const BRACE_END = 0x7d;
const BRACKET = 0x5b;
const BRACKET_END = 0x5d;

/**
 * Counts the structure of a JSON text in one pass over its bytes, so that it can be refused before it is parsed.
 * Returns what is above a limit, to be read after the name of the text; undefined: nothing is. A text that is not JSON
 * may pass: the parser refuses it no later than where this stops counting.
 */
export function shapeFault(json: Buffer, limits: ShapeLimits): string | undefined {
  const { depth_max, nodes_max } = limits;
  /** For each open container how many elements or keys it may still have. */
  const room = [0];
  let nodes = 1;
  let depth = 0;
  for (let at = 0; at < json.length; at++) {
    switch (json[at]) {
      case QUOTE:
        at = endOfString(json, at);
        continue;
      case BRACE:
      case BRACKET:
        if (++depth > depth_max) return `is nested deeper than ${depth_max} levels`;
        // The first element has no comma before it.
        room[depth] = (json[at] === BRACE ? limits.keys_max : limits.elements_max) - 1;
        break;
      case BRACE_END:
      case BRACKET_END:
        if (--depth < 0) return undefined;
        continue;
      case COMMA:
        room[depth] = (room[depth] ?? 0) - 1;
        if ((room[depth] ?? 0) < 0) return 'has an array or an object with too many elements';
        break;
      case COLON:
        break;
      default:
        continue;
    }
    if (++nodes > nodes_max) return `has more than ${nodes_max} values and keys`;
  }
  return undefined;
}

/**
 * After this many bytes of a string, native code searches for its end: it is slower to call, but five times as fast.
 */
const NEAR_BYTES = 64;

/** The position of the quote that ends the string at `at`, or the end of the text. */
function endOfString(json: Buffer, at: number): number {
  for (let end = at + 1; end < json.length; end++) {
    for (const near = end + NEAR_BYTES; end < near; end++) {
      const byte = json[end];
      if (byte === BACKSLASH) end++;
      else if (byte === QUOTE) return end;
    }
    const quote = json.indexOf(QUOTE, end);
    if (quote < 0) break;
    if (!isEscaped(json, end, quote)) return quote;
    end = quote;
  }
  return json.length;
}

/** Whether the quote at `quote` is escaped, in a string where the byte at `from` is not. */
function isEscaped(json: Buffer, from: number, quote: number): boolean {
  let first = quote;
  while (first > from && json[first - 1] === BACKSLASH) first--;
  return (quote - first) % 2 === 1;
}
