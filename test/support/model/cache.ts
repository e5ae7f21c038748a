import { hash, tokensOf, type Segment } from './conversation.ts';
import type { CacheControl } from './request.ts';

/** The input side of a request's usage. */
export type InputUsage = {
  input_tokens: number;
  cache_read_input_tokens: number;
  cache_creation_input_tokens: number;
  cache_creation: { ephemeral_5m_input_tokens: number; ephemeral_1h_input_tokens: number };
};

/** The number of parts before a mark in which the API looks for an entry. */
const LOOKBACK = 20;

/**
 * The prompt cache: an entry per marked prefix, keyed by its hash. Entries do not expire; there is no minimum length.
 */
export class PromptCache {
  readonly #entries = new Set<string>();
  /** The hash of a prefix, by that of the prefix before its last part, and the text of that part. */
  readonly #hashes = new Map<string, Map<string, string>>();

  /** Adds the marked prefixes of a request to the cache and returns its usage. `last`: a mark at the end. */
  use(model: string, parts: Segment[], last: CacheControl | undefined): InputUsage {
    const marks = parts.map((part, i) => part.mark ?? (i === parts.length - 1 ? last : undefined));
    const prefixes = this.#prefixHashes(model, parts);
    const tokens = parts.map((part) => tokensOf(part.text));
    const sum = (from: number, to: number) => tokens.slice(from, to).reduce((total, n) => total + n, 0);

    const read = this.#longest(prefixes, marks);
    const usage: InputUsage = {
      input_tokens: 0,
      cache_read_input_tokens: sum(0, read),
      cache_creation_input_tokens: 0,
      cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
    };
    let written = read;
    for (const [i, mark] of marks.entries()) {
      const prefix = prefixes[i];
      if (!mark || prefix === undefined) continue;
      this.#entries.add(prefix);
      if (i < written) continue;
      const n = sum(written, i + 1);
      usage.cache_creation_input_tokens += n;
      usage.cache_creation[mark.ttl === '1h' ? 'ephemeral_1h_input_tokens' : 'ephemeral_5m_input_tokens'] += n;
      written = i + 1;
    }
    usage.input_tokens = sum(written, parts.length);
    return usage;
  }

  /** The number of parts that are already cached: the longest entry within reach of a mark. */
  #longest(prefixes: string[], marks: (CacheControl | undefined)[]): number {
    for (let mark = marks.length - 1; mark >= 0; mark--) {
      if (!marks[mark]) continue;
      for (let i = mark; i >= Math.max(0, mark - LOOKBACK); i--) if (this.#entries.has(prefixes[i] ?? '')) return i + 1;
    }
    return 0;
  }

  /** Each request repeats the prefixes of the one before. */
  #prefixHashes(model: string, parts: Segment[]): string[] {
    let before = model;
    return parts.map(({ text }) => {
      const known = this.#hashes.get(before) ?? new Map<string, string>();
      this.#hashes.set(before, known);
      const own = known.get(text) ?? hash(`${before}\n${text}`);
      known.set(text, own);
      return (before = own);
    });
  }
}
