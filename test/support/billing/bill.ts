import { createHash } from 'node:crypto';
import type { Part, PromptRequest, Ttl } from './count.ts';

/** The tokens of one pass over a prompt, as the API reports them. */
export type PassUsage = {
  input_tokens: number;
  cache_read_input_tokens: number;
  cache_creation_input_tokens: number;
  cache_creation: { ephemeral_5m_input_tokens: number; ephemeral_1h_input_tokens: number };
  output_tokens: number;
};

/** US dollars for a million tokens: input, output, cache writes for 5 minutes and an hour, cache reads. */
const PRICES: Record<string, [number, number, number, number, number]> = {
  'claude-sonnet-5-5': [2, 10, 2.5, 4, 0.1],
  'claude-opus-5-5': [4, 20, 5, 8, 0.2],
  'claude-haiku-5-5': [0.1, 0.5, 0.125, 0.2, 0.01],
  'claude-haiku-5-5 above 100000': [0.5, 2.5, 0.625, 1, 0.05],
};

/** What one pass costs, in US dollars. */
export function billOf(model: string, usage: PassUsage): number {
  const { input_tokens, cache_read_input_tokens: read, cache_creation: written, output_tokens } = usage;
  const prompt = input_tokens + read + usage.cache_creation_input_tokens;
  const long = prompt > 100_000 ? PRICES[`${model} above 100000`] : undefined;
  const [input, output, five_minutes, hour, hit] = long ?? PRICES[model] ?? [];
  if (input === undefined || !output || !five_minutes || !hour || !hit) throw new Error(`No price for ${model}.`);
  return (
    (input_tokens * input +
      output_tokens * output +
      written.ephemeral_5m_input_tokens * five_minutes +
      written.ephemeral_1h_input_tokens * hour +
      read * hit) /
    1e6
  );
}

/** How far before a mark the API looks for a cached prefix, in parts. */
const LOOKBACK = 20;
const TTL_S: Record<Ttl, number> = { '5m': 300, '1h': 3600 };

/** The prompt cache by exact prefix, with a clock of its own. */
export class Cache {
  readonly #until = new Map<string, number>();
  #now_s = 0;

  /** Lets time pass. */
  pass(seconds: number): void {
    this.#now_s += seconds;
  }

  /** Loses all entries. */
  lose(): void {
    this.#until.clear();
  }

  /** Reads a prompt, and writes its marked prefixes. */
  read({ model, cache_control }: PromptRequest, parts: Part[], output_tokens: number): PassUsage {
    const marks = parts.map(({ mark }) => mark);
    if (cache_control && parts.length > 0) marks[parts.length - 1] ??= cache_control.ttl ?? '5m';
    const keys = this.#keys(model, parts);
    const hit = this.#longestHit(keys, marks);
    const written = { '5m': 0, '1h': 0 };
    let done = hit;
    for (const [i, ttl] of marks.entries()) {
      const key = keys[i];
      if (!ttl || key === undefined) continue;
      this.#until.set(key, this.#now_s + TTL_S[ttl]);
      if (i < done) continue;
      written[ttl] += sum(parts, done, i + 1);
      done = i + 1;
    }
    return {
      input_tokens: sum(parts, done, parts.length),
      cache_read_input_tokens: sum(parts, 0, hit),
      cache_creation_input_tokens: written['5m'] + written['1h'],
      cache_creation: { ephemeral_5m_input_tokens: written['5m'], ephemeral_1h_input_tokens: written['1h'] },
      output_tokens,
    };
  }

  #longestHit(keys: string[], marks: (Ttl | undefined)[]): number {
    for (let mark = marks.length - 1; mark >= 0; mark--) {
      if (!marks[mark]) continue;
      for (let i = mark; i > Math.max(-1, mark - LOOKBACK); i--)
        if ((this.#until.get(keys[i] ?? '') ?? -1) > this.#now_s) return i + 1;
    }
    return 0;
  }

  #keys(model: string, parts: Part[]): string[] {
    let before = model;
    return parts.map(({ text }) => (before = createHash('sha1').update(before).update(text).digest('base64')));
  }
}

function sum(parts: Part[], from: number, to: number): number {
  return parts.slice(from, to).reduce((total, { tokens }) => total + tokens, 0);
}
