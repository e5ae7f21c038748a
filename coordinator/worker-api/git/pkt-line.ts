import { ErrandError } from '../../../protocol/problem.ts';

/** What ends a section: four zeros in place of a length. */
export const FLUSH = Buffer.from('0000');

/** The longest line, its four characters of length included (gitprotocol-common). */
const LINE_BYTES_MAX = 65_520;
const LENGTH_BYTES = 4;

/** One pkt-line: its length in four hexadecimal digits, and its payload. A payload is shorter than 64 KiB by a few bytes. */
export function pktLine(payload: string | Buffer): Buffer {
  const bytes = typeof payload === 'string' ? Buffer.from(payload, 'latin1') : payload;
  const length = bytes.length + LENGTH_BYTES;
  if (length > LINE_BYTES_MAX) throw new RangeError(`A pkt-line cannot hold ${bytes.length} bytes.`);
  return Buffer.concat([Buffer.from(length.toString(16).padStart(LENGTH_BYTES, '0')), bytes]);
}

/** Reads pkt-lines from the front of a stream of bytes, and leaves what follows them untouched. */
export class PktReader {
  readonly #source: AsyncIterator<Buffer>;
  readonly #bytes_max: number;
  #buffered: Buffer = Buffer.alloc(0);
  #bytes_read = 0;

  /** Lines beyond `bytes_max` in all are refused with `too_large`. */
  constructor(source: AsyncIterator<Buffer>, bytes_max: number) {
    this.#source = source;
    this.#bytes_max = bytes_max;
  }

  /** How many bytes the lines took that were read so far. */
  get bytes_read(): number {
    return this.#bytes_read;
  }

  /** The payload of the next line, or null for a flush. Throws `invalid` where there is neither, `too_large` past the limit. */
  async next(): Promise<Buffer | null> {
    const prefix = (await this.#take(LENGTH_BYTES)).toString('latin1');
    if (prefix === '0000') return null;
    const length = /^[0-9a-f]{4}$/i.test(prefix) ? parseInt(prefix, 16) : 0;
    if (length <= LENGTH_BYTES || length > LINE_BYTES_MAX)
      throw new ErrandError('invalid', 'The push is not made of pkt-lines.');
    return this.#take(length - LENGTH_BYTES);
  }

  /** Everything after the lines that were read. */
  async *rest(): AsyncGenerator<Buffer> {
    if (this.#buffered.length > 0) yield this.#buffered;
    for (let step = await this.#source.next(); !step.done; step = await this.#source.next()) yield step.value;
  }

  async #take(count: number): Promise<Buffer> {
    this.#bytes_read += count;
    if (this.#bytes_read > this.#bytes_max)
      throw new ErrandError('too_large', `The commands of the push take more than ${this.#bytes_max} bytes.`);
    const chunks: Buffer[] = [this.#buffered];
    for (let size = this.#buffered.length; size < count;) {
      const step = await this.#source.next();
      if (step.done) throw new ErrandError('invalid', 'The push ends in the middle of a line.');
      chunks.push(step.value);
      size += step.value.length;
    }
    const bytes = chunks.length === 1 ? this.#buffered : Buffer.concat(chunks);
    this.#buffered = bytes.subarray(count);
    return bytes.subarray(0, count);
  }
}
