import { bytesToText } from '../base/byte-path.ts';
import type { Secrets } from '../base/secrets.ts';

const LINES_MAX = 200;
const TEXT_CHARS_MAX = 30_000;
/** With the file name and line number before it. */
const LINE_CHARS_MAX = 500;
const CHARACTER_BYTES_MAX = 4;
const NEWLINE = 10;

/** The first lines of a program's output, which comes in any pieces. Each is redacted, and cut where it is long. */
export class ResultLines {
  readonly #secrets: Secrets;
  /** How much of a line is kept until it ends: what is shown of it, and after that the first part of a secret. */
  readonly #line_bytes_max: number;
  readonly #lines: string[] = [];
  #chars = 0;
  #open: Buffer[] = [];
  #open_bytes = 0;
  #is_cut = false;
  /** Whether the end of a line is missing. */
  has_cut_lines = false;

  constructor(secrets: Secrets) {
    this.#secrets = secrets;
    this.#line_bytes_max = CHARACTER_BYTES_MAX * (LINE_CHARS_MAX + secrets.part_chars_max + 1);
  }

  /** Whether no more lines are taken. */
  get is_full(): boolean {
    return this.#lines.length >= LINES_MAX || this.#chars >= TEXT_CHARS_MAX;
  }

  push(bytes: Buffer): void {
    for (let from = 0; from < bytes.length && !this.is_full;) {
      const at = bytes.indexOf(NEWLINE, from);
      const end = at === -1 ? bytes.length : at;
      this.#keep(bytes.subarray(from, end));
      if (at !== -1) this.#endLine();
      from = end + 1;
    }
  }

  /** All lines. One without an end may be half a line, since the program was ended. */
  end(): string {
    if (this.#open_bytes > 0 && !this.is_full) {
      this.#is_cut = true;
      this.#endLine();
    }
    return this.#lines.join('\n').trimEnd().toWellFormed();
  }

  #keep(bytes: Buffer): void {
    const kept = bytes.subarray(0, this.#line_bytes_max - this.#open_bytes);
    this.#is_cut ||= kept.length < bytes.length;
    // A copy: the rest of the piece may be large.
    this.#open.push(Buffer.from(kept));
    this.#open_bytes += kept.length;
  }

  #endLine(): void {
    const bytes = Buffer.concat(this.#open);
    const text = this.#is_cut
      ? this.#secrets.redactBeginning(bytesToText(wholeCharacters(bytes))).clean
      : this.#secrets.redact(bytesToText(bytes)).replace(/\r$/, '');
    const is_long = this.#is_cut || text.length > LINE_CHARS_MAX;
    this.has_cut_lines ||= is_long;
    const line = is_long ? `${text.slice(0, LINE_CHARS_MAX)} […]` : text;
    this.#lines.push(line);
    this.#chars += line.length + 1;
    this.#open = [];
    this.#open_bytes = 0;
    this.#is_cut = false;
  }
}

/** Without the last character, of which a part may be missing. */
function wholeCharacters(bytes: Buffer): Buffer {
  const isContinuation = (byte: number | undefined) => byte !== undefined && (byte & 0xc0) === 0x80;
  let end = bytes.length - 1;
  while (isContinuation(bytes[end])) end--;
  return bytes.subarray(0, Math.max(0, end));
}
