import { addAbortSignal } from 'node:stream';
import { LIMITS } from '../../protocol/limits.ts';
import { Failure } from '../client/errors.ts';
import { fold } from './render/fold.ts';
import { paint, type Line } from './render/line.ts';
import { rowLines } from './render/row.ts';
import type { ServersFile } from './servers-file.ts';

/** Where a program prints to. */
export type Output = {
  stdout: NodeJS.WriteStream;
  stderr: NodeJS.WriteStream;
  /** The width of the output, where lines are wrapped. */
  readonly columns: number;
  /** Whether the output may have colours. */
  color: boolean;
  /** Whether the output is a terminal whose lines can be redrawn. */
  live: boolean;
};

/** Everything a command uses of the process around it. */
export type Io = Output & {
  stdin: NodeJS.ReadStream;
  /** ERRAND_PASSWORD. */
  password: string | undefined;
  /** ERRAND_TOKEN: an API token, for a script. */
  token: string | undefined;
  /** ERRAND_SERVER: a name or an address. */
  server: string | undefined;
  servers: ServersFile;
  /** The User-Agent header of this client. */
  user_agent: string;
  /** Reads an environment variable. */
  variable: (name: string) => string | undefined;
  /** Aborts at Ctrl-C; with `SERVER_ENDS` where that ends the server too. */
  signal: AbortSignal;
};

/** Why commands are interrupted whose server ends with them, as that of a trial does. */
export const SERVER_ENDS = new DOMException('The server ends.', 'AbortError');

export function print({ stdout, color, live, columns }: Output, lines: readonly Line[]): void {
  const folded = live ? lines.flatMap((line) => fold(line, columns)) : lines;
  stdout.write(folded.map((line) => `${paint(line, color)}\n`).join(''));
}

/** The width that the rows of a list may have: a program that reads them gets each in one line. */
export function rowColumns({ live, columns }: Io): number {
  return live ? columns : Infinity;
}

/** Prints the rows of a list: at a terminal, what does not fit beside the rest of a row goes below it. */
export function printRows(io: Io, rows: readonly Line[]): void {
  print(
    io,
    rows.flatMap((row) => rowLines(row, rowColumns(io))),
  );
}

/** Prints to stderr, so that a script that reads stdout does not see it. */
export function printBeside({ stderr, color }: Output, lines: readonly Line[]): void {
  const folded = stderr.isTTY ? lines.flatMap((line) => fold(line, stderr.columns)) : lines;
  stderr.write(folded.map((line) => `${paint(line, color && stderr.isTTY)}\n`).join(''));
}

/** Prints a value as one line of JSON. Escapes the control characters that JSON.stringify leaves as they are. */
export function printJson({ stdout }: Io, value: unknown): void {
  const escaped = JSON.stringify(value).replace(
    /[\u007F-\u009F]/g,
    (character) => `\\u00${character.charCodeAt(0).toString(16)}`,
  );
  stdout.write(`${escaped}\n`);
}

/** Of one character. */
const UTF8_BYTES_MAX = 4;

/** Reads the standard input to its end; undefined if it has more than `chars_max` characters can take. */
async function readStdin({ stdin, signal }: Io, chars_max: number): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const input: AsyncIterable<Buffer> = addAbortSignal(signal, stdin);
  for await (const chunk of input) {
    bytes += chunk.length;
    if (bytes > chars_max * UTF8_BYTES_MAX) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

const SECRET_CHARS_MAX = 10_000;

/** Reads a secret from the standard input, without the line break at its end. `what` it is, for the error. */
export async function readSecret(io: Io, what = 'the secret'): Promise<string> {
  const secret = (await readStdin(io, SECRET_CHARS_MAX))?.replace(/\r?\n$/, '') ?? '';
  if (secret === '' || secret.length > SECRET_CHARS_MAX)
    throw new Failure(`The standard input must have one line with ${what}.`);
  return secret;
}

/** What `-` in place of a text means, for the help. */
export const OR_STDIN = '- reads the text from the standard input';

/** The text that was typed; `-` stands for the standard input, without the line breaks at its end. */
export async function readText(io: Io, typed: string): Promise<string> {
  if (typed !== '-') return typed;
  const all = await readStdin(io, LIMITS.text_chars_max);
  if (all === undefined)
    throw new Failure(`The standard input is too long: a text has at most ${LIMITS.text_chars_max} characters.`);
  const read = all.replace(/(\r?\n)+$/, '');
  if (read.trim() === '') throw new Failure('The standard input is empty: it must have the text.');
  return read;
}
