/** The most memory that is allocated for a declared length before that much of the body has come. */
const BELIEVED_BYTES = 1024 * 1024;

/**
 * The bytes of a body while it comes. Each chunk is copied at once: hundreds of them that were kept until the end, for
 * many large bodies at a time, made the garbage collector stop the process for a third of a second.
 */
export class GatheredBytes {
  readonly #declared: number;
  readonly #bytes_max: number;
  #memory = Buffer.alloc(0);
  #length = 0;

  /** `declared`: the length that the sender gave; 0: none. The caller sees to it that no more than `bytes_max` come. */
  constructor(declared: number, bytes_max: number) {
    this.#declared = declared;
    this.#bytes_max = bytes_max;
  }

  add(chunk: Buffer): void {
    const length = this.#length + chunk.length;
    if (length > this.#memory.length) this.#grow(length);
    this.#memory.set(chunk, this.#length);
    this.#length = length;
  }

  /** What has come. Where that is what was declared, nothing else is in its memory. */
  get bytes(): Buffer {
    return this.#memory.subarray(0, this.#length);
  }

  #grow(length: number): void {
    const expected = length < BELIEVED_BYTES ? Math.min(this.#declared, BELIEVED_BYTES) : this.#declared;
    const memory = Buffer.allocUnsafe(expected >= length ? expected : Math.min(2 * length, this.#bytes_max));
    memory.set(this.bytes);
    this.#memory = memory;
  }
}
