import { LIMITS } from '../../protocol/limits.ts';

/** A string up to this length is never cut: names, ids and references keep their meaning. */
const NEVER_CUT_CHARS = 128;
const STRING_CHARS_MAX = 3_000;
/** The keys of a nested object that are kept. An object of the protocol has fewer. */
const KEYS_MAX = 20;
/** What a person must read to the end. */
const NEVER_CUT = new Set(['question.asked']);

/** The body of an event in at most some kB. `whole_bytes`: the size of the whole, if this one is cut. */
export type ShortBody = { body: string; whole_bytes: number | undefined };

/**
 * Shortens the body of an event, JSON text as `JSON.stringify` writes it, if it is longer than
 * `LIMITS.short_body_bytes_max`. Long strings are cut, and once they have used up that size, lists end and what is
 * nested deeper is left out. So the body still has the form of its type.
 */
export function shortBody(type: string, body: string): ShortBody {
  // The characters are a lower bound of the bytes, and at most a third of them: only a body near the limit is measured.
  const bytes = body.length > LIMITS.short_body_bytes_max / 3 ? Buffer.byteLength(body) : body.length;
  if (bytes <= LIMITS.short_body_bytes_max || NEVER_CUT.has(type)) return { body, whole_bytes: undefined };
  return { body: new Shortener(body).shorten(0), whole_bytes: bytes };
}

/** A text for a list: cut in the same way. */
export function shortText(text: string): string {
  return text.length > STRING_CHARS_MAX ? cut(text, STRING_CHARS_MAX) : text;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const BRACE = 0x7b;
const BRACE_END = 0x7d;
const BRACKET = 0x5b;
const BRACKET_END = 0x5d;
const PLAIN = /[^,\]}]*/y;

/**
 * Copies what is kept of a JSON text without space between its parts, as `JSON.stringify` writes it. What is left out
 * is passed over and not parsed: that would take a hundred times as long, and a worker decides how much it is.
 */
class Shortener {
  readonly #json: string;
  #at = 0;
  #left: number = LIMITS.short_body_bytes_max;

  constructor(json: string) {
    this.#json = json;
  }

  /** The short form of the value that begins here. Goes on behind it. */
  shorten(depth: number): string {
    switch (this.#json.charCodeAt(this.#at)) {
      case QUOTE:
        return this.#string();
      case BRACKET:
        return this.#array(depth);
      case BRACE:
        return this.#object(depth);
      default:
        this.#left -= 8;
        return this.#plain();
    }
  }

  #string(): string {
    const text = this.#text();
    const chars = Math.max(NEVER_CUT_CHARS, Math.min(STRING_CHARS_MAX, this.#left));
    const kept = text.length > chars ? cut(text, chars) : text;
    this.#left -= kept.length + 2;
    return JSON.stringify(kept);
  }

  #array(depth: number): string {
    this.#left -= 8;
    const kept: string[] = [];
    this.#at += 1;
    while (this.#left > 0 && this.#isWithin(BRACKET_END)) {
      kept.push(this.shorten(depth + 1));
      this.#passComma();
    }
    this.#passEnd();
    return `[${kept.join()}]`;
  }

  /** An object that has begun keeps its plain values, so that it stays what it is; what it contains may be left out. */
  #object(depth: number): string {
    this.#left -= 8;
    const kept: string[] = [];
    this.#at += 1;
    while (kept.length < KEYS_MAX && this.#isWithin(BRACE_END)) {
      const key = this.#text();
      const name = key.length > NEVER_CUT_CHARS ? cut(key, NEVER_CUT_CHARS) : key;
      this.#left -= name.length;
      // The colon.
      this.#at += 1;
      const nested = this.#json.charCodeAt(this.#at) === BRACE;
      kept.push(
        `${JSON.stringify(name)}:${nested && this.#left <= 0 && depth > 0 ? this.#empty() : this.shorten(depth + 1)}`,
      );
      this.#passComma();
    }
    this.#passEnd();
    return `{${kept.join()}}`;
  }

  /** The object that begins here, without what it contains. */
  #empty(): string {
    this.#at += 1;
    this.#passEnd();
    return '{}';
  }

  /** The string that begins here. */
  #text(): string {
    const start = this.#at;
    this.#at = endOfString(this.#json, start);
    return JSON.parse(this.#json.slice(start, this.#at));
  }

  /** The number or word that begins here. */
  #plain(): string {
    PLAIN.lastIndex = this.#at;
    const [text = ''] = PLAIN.exec(this.#json) ?? [];
    this.#at += text.length;
    return text;
  }

  #isWithin(end: number): boolean {
    return this.#at < this.#json.length && this.#json.charCodeAt(this.#at) !== end;
  }

  #passComma(): void {
    if (this.#json[this.#at] === ',') this.#at += 1;
  }

  /** Goes on behind the end of the array or object that was begun. */
  #passEnd(): void {
    const json = this.#json;
    let at = this.#at;
    for (let depth = 1; depth > 0 && at < json.length;) {
      switch (json.charCodeAt(at)) {
        case QUOTE:
          at = endOfString(json, at);
          continue;
        case BRACE:
        case BRACKET:
          depth += 1;
          break;
        case BRACE_END:
        case BRACKET_END:
          depth -= 1;
          break;
        default:
      }
      at += 1;
    }
    this.#at = at;
  }
}

/** The position behind the string that starts at `start`. */
function endOfString(json: string, start: number): number {
  for (let end = json.indexOf('"', start + 1); end !== -1; end = json.indexOf('"', end + 1)) {
    let before = end;
    while (json.charCodeAt(before - 1) === BACKSLASH) before -= 1;
    if ((end - before) % 2 === 0) return end + 1;
  }
  return json.length;
}

/** Cuts a text to some characters. Half of a surrogate pair is no character. */
function cut(text: string, chars: number): string {
  return `${text.slice(0, chars - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}
