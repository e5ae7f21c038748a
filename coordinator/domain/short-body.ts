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
 * Shortens the body of an event, JSON text, if it is longer than `LIMITS.short_body_bytes_max`. Long strings are cut,
 * and once they have used up that size, lists end and what is nested deeper is left out. So the body still has the form
 * of its type.
 */
export function shortBody(type: string, body: string): ShortBody {
  // The characters are a lower bound of the bytes, and at most a third of them: only a body near the limit is measured.
  const bytes = body.length > LIMITS.short_body_bytes_max / 3 ? Buffer.byteLength(body) : body.length;
  if (bytes <= LIMITS.short_body_bytes_max || NEVER_CUT.has(type)) return { body, whole_bytes: undefined };
  return { body: JSON.stringify(new Shortener().shorten(JSON.parse(body), 0)), whole_bytes: bytes };
}

/** A text for a list: cut in the same way. */
export function shortText(text: string): string {
  return text.length > STRING_CHARS_MAX ? cut(text, STRING_CHARS_MAX) : text;
}

class Shortener {
  #left: number = LIMITS.short_body_bytes_max;

  shorten(value: unknown, depth: number): unknown {
    if (typeof value === 'string') return this.#string(value);
    this.#left -= 8;
    if (Array.isArray(value)) return this.#array(value, depth);
    return typeof value === 'object' && value !== null ? this.#object(value, depth) : value;
  }

  #string(text: string): string {
    const chars = Math.max(NEVER_CUT_CHARS, Math.min(STRING_CHARS_MAX, this.#left));
    const kept = text.length > chars ? cut(text, chars) : text;
    this.#left -= kept.length;
    return kept;
  }

  #array(items: readonly unknown[], depth: number): unknown[] {
    const kept: unknown[] = [];
    for (const item of items) {
      if (this.#left <= 0) break;
      kept.push(this.shorten(item, depth + 1));
    }
    return kept;
  }

  /** An object that has begun keeps its plain values, so that it stays what it is; what it contains may be left out. */
  #object(value: object, depth: number): object {
    const kept: [string, unknown][] = [];
    for (const [key, inner] of Object.entries(value).slice(0, KEYS_MAX)) {
      const name = key.length > NEVER_CUT_CHARS ? cut(key, NEVER_CUT_CHARS) : key;
      this.#left -= name.length;
      const nested = typeof inner === 'object' && inner !== null && !Array.isArray(inner);
      kept.push([name, nested && this.#left <= 0 && depth > 0 ? {} : this.shorten(inner, depth + 1)]);
    }
    return Object.fromEntries(kept);
  }
}

/** Cuts a text to some characters. Half of a surrogate pair is no character. */
function cut(text: string, chars: number): string {
  return `${text.slice(0, chars - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}
