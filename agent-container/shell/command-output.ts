import { createWriteStream, type WriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { HeadAndTail } from '../base/head-and-tail.ts';
import type { Secrets } from '../base/secrets.ts';
import { OutputCleaner } from './output-cleaner.ts';
import { OverwrittenText } from './overwritten-text.ts';

const LOG_MIB_MAX = 32;
const LOG_BYTES_MAX = LOG_MIB_MAX * 1024 * 1024;
/** What decoding puts in the place of a byte that is not UTF-8. */
const UNDECODED = '\uFFFD';
/** At most 15 characters, and any number of control characters, which binary output has many of. */
const SHORT_GAP = `\\p{Cc}*(?:[^${UNDECODED}\\p{Cc}]\\p{Cc}*){0,15}`;
/** A hundred undecoded bytes or more with short gaps. */
const BINARY = new RegExp(`${UNDECODED}(?:${SHORT_GAP}${UNDECODED}){99,}`, 'gu');
const describeBinary = (run: string): string =>
  `[${run.length} characters of binary output, or of text that is not UTF-8: pipe it to xxd, file or iconv]`;

/**
 * The output of one command: relayed as it comes. Its head and tail are kept, and it is written to a file if that is
 * not all; both have only the last state of a progress bar.
 */
export class CommandOutput {
  readonly #shown = new HeadAndTail();
  readonly #log_path: string;
  readonly #cleaner: OutputCleaner;
  readonly #overwritten = new OverwrittenText();
  #onText: ((text: string) => void) | undefined;
  #file: WriteStream | undefined;
  #is_file_lost = false;
  #before_file = '';
  #bytes = 0;
  #closed: Promise<string | null> | undefined;

  /** Without `onText` the output goes to the file from the start. */
  constructor(log_path: string, secrets: Secrets, onText: ((text: string) => void) | undefined) {
    this.#log_path = log_path;
    this.#cleaner = new OutputCleaner(secrets);
    this.#onText = onText;
    if (onText === undefined) this.toFile();
  }

  /** The file that has it; null: there is none, or it could not be written. */
  get log(): string | null {
    return this.#file === undefined || this.#is_file_lost ? null : this.#log_path;
  }

  /** What of the output is in the file: words for a sentence. */
  get in_log(): string {
    return this.#bytes > LOG_BYTES_MAX ? `the first ${LOG_MIB_MAX} MiB of the output are` : 'the whole output is';
  }

  /** From now on all of it goes to the file, and nothing is relayed. */
  toFile(): void {
    this.#onText = undefined;
    this.#beginFile();
  }

  /** The head and the tail of what came so far; of what is binary in it only how much it is. */
  get text(): string {
    return this.#shown.toString().replace(BINARY, describeBinary);
  }

  push(bytes: Uint8Array): void {
    this.#add(this.#cleaner.push(bytes));
  }

  #add(text: string): void {
    if (text === '') return;
    this.#onText?.(text);
    this.#keep(this.#overwritten.push(text));
  }

  #keep(text: string): void {
    if (text === '') return;
    this.#shown.push(text);
    if (this.#file) return this.#write(this.#file, text);
    this.#before_file += text;
    if (this.#shown.omitted_chars > 0) this.#beginFile();
  }

  #beginFile(): void {
    this.#file ??= this.#openFile();
    this.#write(this.#file, this.#before_file);
    this.#before_file = '';
  }

  #write(file: WriteStream, text: string): void {
    if (text === '') return;
    const bytes_before = this.#bytes;
    this.#bytes += Buffer.byteLength(text);
    if (this.#bytes <= LOG_BYTES_MAX) file.write(text);
    else if (bytes_before <= LOG_BYTES_MAX) file.write(`\n[This file ends here, at ${LOG_BYTES_MAX} bytes.]\n`);
  }

  /** Ends the output, with this line, and closes its file. Resolves with `log`. */
  close(last_line = ''): Promise<string | null> {
    return (this.#closed ??= this.#close(last_line));
  }

  async #close(last_line: string): Promise<string | null> {
    this.#add(this.#cleaner.end());
    this.#add(last_line);
    this.#keep(this.#overwritten.end());
    const file = this.#file;
    if (!file) return null;
    file.end();
    await finished(file).catch(() => undefined);
    return this.log;
  }

  #openFile(): WriteStream {
    // Something that a command has put there, such as a pipe, is not opened.
    const file = createWriteStream(this.#log_path, { flags: 'wx', mode: 0o600 });
    // Then, or on a full disk, the file is lost, not the command: the head and tail of its output are in memory.
    file.on('error', () => (this.#is_file_lost = true));
    return file;
  }
}
