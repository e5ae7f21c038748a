/** Where a text has one of the words: from `start` to `end` (exclusive). `index`: that of the word. */
export type Match = { start: number; end: number; index: number };

/** A block of this many characters decides how far the search may skip. */
const BLOCK = 2;
const TABLE_SIZE = 2 ** 16;

/**
 * Finds any of many words in one pass over a text (Wu and Manber). It looks at two characters for each step, and most
 * steps skip nearly as many as the shortest word has. The words must have at least four characters.
 */
export class TextMatcher {
  readonly #words: readonly string[];
  readonly #window: number;
  /** By the hash of a block: how far its end is at least from the end of the first window of any word. */
  readonly #skips: Uint8Array;
  /** The words, the longest first, by the hash of the last block of their first window. */
  readonly #ending = new Map<number, number[]>();

  constructor(words: readonly string[]) {
    this.#words = words;
    this.#window = words.reduce((shortest, { length }) => Math.min(shortest, length), 255);
    this.#skips = new Uint8Array(TABLE_SIZE).fill(this.#window - BLOCK + 1);
    for (const [index, word] of words.entries()) this.#add(index, word);
    for (const indexes of this.#ending.values())
      indexes.sort((a, b) => this.#wordAt(b).length - this.#wordAt(a).length);
  }

  /** Whether the text has one of the words. */
  test(text: string): boolean {
    return this.#next(text, 0) !== undefined;
  }

  /** Every place of a word, overlapping ones included, by their start. Of words that start together, the longest. */
  *matches(text: string): Generator<Match> {
    for (let found = this.#next(text, 0); found; found = this.#next(text, found.start + 1)) yield found;
  }

  #next(text: string, from: number): Match | undefined {
    const [skips, window] = [this.#skips, this.#window];
    for (let at = from + window - BLOCK; at <= text.length - BLOCK;) {
      const block = hash(text, at);
      const skip = skips[block] ?? 1;
      if (skip > 0) {
        at += skip;
        continue;
      }
      const start = at - window + BLOCK;
      const index = this.#ending.get(block)?.find((each) => text.startsWith(this.#wordAt(each), start));
      if (index !== undefined) return { start, end: start + this.#wordAt(index).length, index };
      at++;
    }
    return undefined;
  }

  #add(index: number, word: string): void {
    for (let at = 0; at <= this.#window - BLOCK; at++) {
      const block = hash(word, at);
      this.#skips[block] = Math.min(this.#skips[block] ?? 0, this.#window - BLOCK - at);
      if (at === this.#window - BLOCK) this.#ending.set(block, [...(this.#ending.get(block) ?? []), index]);
    }
  }

  #wordAt(index: number): string {
    return this.#words[index] ?? '';
  }
}

function hash(text: string, at: number): number {
  return ((text.charCodeAt(at) << 8) ^ text.charCodeAt(at + 1)) & (TABLE_SIZE - 1);
}
