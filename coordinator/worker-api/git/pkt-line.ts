import { ErrandError } from '../../../protocol/problem.ts';

/** The flush packet, which ends a section. */
export const FLUSH = Buffer.from('0000');

/** The longest pkt-line, with the four digits of its length (gitprotocol-common). */
const LINE_BYTES_MAX = 65_520;
const LENGTH_BYTES = 4;

/**
 * Encodes one pkt-line: the length in four hexadecimal digits, then the payload. Throws a `RangeError` where the
 * payload is too long.
 */
export function pktLine(payload: string | Buffer): Buffer {
  const bytes = typeof payload === 'string' ? Buffer.from(payload, 'latin1') : payload;
  const length = bytes.length + LENGTH_BYTES;
  if (length > LINE_BYTES_MAX) throw new RangeError(`A pkt-line cannot hold ${bytes.length} bytes.`);
  return Buffer.concat([Buffer.from(length.toString(16).padStart(LENGTH_BYTES, '0')), bytes]);
}

/** Reads pkt-lines from the start of a byte stream. `rest` gives the bytes that follow them. */
export class PktReader {
  readonly #source: AsyncIterator<Buffer>;
  readonly #bytes_max: number;
  #buffered: Buffer = Buffer.alloc(0);
  #bytes_read = 0;

  /** `bytes_max`: the limit for all lines together. */
  constructor(source: AsyncIterator<Buffer>, bytes_max: number) {
    this.#source = source;
    this.#bytes_max = bytes_max;
  }

  /** How many bytes of lines were read so far. */
  get bytes_read(): number {
    return this.#bytes_read;
  }

  /**
   * Reads the next line's payload; null for a flush packet. Rejects with `invalid` for anything else, and `too_large`
   * past the limit.
   */
  async next(): Promise<Buffer | null> {
    const prefix = (await this.#take(LENGTH_BYTES)).toString('latin1');
    if (prefix === '0000') return null;
    const length = /^[0-9a-f]{4}$/i.test(prefix) ? parseInt(prefix, 16) : 0;
    if (length <= LENGTH_BYTES || length > LINE_BYTES_MAX)
      throw new ErrandError('invalid', 'The push contains bytes that are not a pkt-line.');
    return this.#take(length - LENGTH_BYTES);
  }

  /** Whether the next four bytes are these. They stay to be read. */
  async startsWith(four: string): Promise<boolean> {
    return (await this.#peek(LENGTH_BYTES)).toString('latin1') === four;
  }

  /** The bytes after the lines that were read. */
  async *rest(): AsyncGenerator<Buffer> {
    if (this.#buffered.length > 0) yield this.#buffered;
    for (let step = await this.#source.next(); !step.done; step = await this.#source.next()) yield step.value;
  }

  async #take(count: number): Promise<Buffer> {
    this.#bytes_read += count;
    if (this.#bytes_read > this.#bytes_max)
      throw new ErrandError('too_large', `The commands of the push are longer than ${this.#bytes_max} bytes.`);
    const bytes = await this.#peek(count);
    this.#buffered = this.#buffered.subarray(count);
    return bytes;
  }

  async #peek(count: number): Promise<Buffer> {
    const chunks: Buffer[] = [this.#buffered];
    for (let size = this.#buffered.length; size < count;) {
      const step = await this.#source.next();
      if (step.done) throw new ErrandError('invalid', 'The push ends in the middle of a line.');
      chunks.push(step.value);
      size += step.value.length;
    }
    if (chunks.length > 1) this.#buffered = Buffer.concat(chunks);
    return this.#buffered.subarray(0, count);
  }
}
