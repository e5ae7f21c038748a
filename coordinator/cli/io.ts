import { text } from 'node:stream/consumers';
import { Failure } from '../client/errors.ts';
import { fold } from './render/fold.ts';
import { paint, type Line } from './render/line.ts';
import type { ServersFile } from './servers-file.ts';

/** What a command has to do with. */
export type Io = {
  stdin: NodeJS.ReadStream;
  stdout: NodeJS.WriteStream;
  stderr: NodeJS.WriteStream;
  /** The width of the output, where lines are wrapped. */
  columns: number;
  /** Whether the output may have colours. */
  color: boolean;
  /** Whether the output is a terminal, where lines can be drawn anew. */
  live: boolean;
  /** A password that was given in the environment. */
  password: string | undefined;
  /** The server that was named in the environment. */
  server: string | undefined;
  servers: ServersFile;
  /** What this client calls itself. */
  user_agent: string;
  /** A variable of the environment. */
  variable: (name: string) => string | undefined;
  /** Aborts at Ctrl-C. */
  signal: AbortSignal;
};

export function print({ stdout, color, live, columns }: Io, lines: readonly Line[]): void {
  const folded = live ? lines.flatMap((line) => fold(line, columns)) : lines;
  stdout.write(folded.map((line) => `${paint(line, color)}\n`).join(''));
}

/** For what is said beside the output, so that a script does not read it. */
export function printBeside({ stderr, color }: Io, lines: readonly Line[]): void {
  stderr.write(lines.map((line) => `${paint(line, color && stderr.isTTY)}\n`).join(''));
}

/** A value as a line of JSON. Control characters that JSON lets through as they are get escaped: the value stays the same. */
export function printJson({ stdout }: Io, value: unknown): void {
  const escaped = JSON.stringify(value).replace(
    /[\u007F-\u009F]/g,
    (character) => `\\u00${character.charCodeAt(0).toString(16)}`,
  );
  stdout.write(`${escaped}\n`);
}

const SECRET_CHARS_MAX = 10_000;

/** A secret from the standard input, without the line break at its end. */
export async function readSecret({ stdin }: Io): Promise<string> {
  const secret = (await text(stdin)).replace(/\r?\n$/, '');
  if (secret === '' || secret.length > SECRET_CHARS_MAX)
    throw new Failure('The standard input holds no secret: one line was expected.');
  return secret;
}
