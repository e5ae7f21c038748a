import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { Failure } from '../client/errors.ts';
import { columnsOf, wrap } from './render/text.ts';
import { UsageFailure } from './usage-failure.ts';
import { readSecret, type Io } from './io.ts';

/** Skips the question that `confirm` asks. */
export const YES_OPTION = { type: 'boolean', help: 'do not ask for confirmation' } as const;

/**
 * Asks for confirmation of something that cannot be undone, unless `yes` is set. Rejects if the answer is no, or
 * without a terminal.
 */
export async function confirm(io: Io, question: string, yes: boolean | undefined): Promise<void> {
  if (yes === true) return;
  if (!io.stdin.isTTY) throw new UsageFailure('There is no terminal to ask for confirmation: give --yes.');
  const text = wrap(`${question} It cannot be undone. [y/N]`, io.columns - 4).join('\n');
  const answer = await ask(io, `${text} `);
  if (!/^\s*y(es)?\s*$/i.test(answer)) throw new Failure('Nothing was done.');
}

/** Reads the password from ERRAND_PASSWORD or the standard input. At a terminal a new one has to be typed twice. */
export async function askPassword(io: Io, { is_new = false } = {}): Promise<string> {
  if (io.password !== undefined) return io.password;
  if (!io.stdin.isTTY) return readSecret(io, 'the password, unless ERRAND_PASSWORD has it');
  return is_new ? askTwice(io, 'Password: ') : ask(io, 'Password: ', true);
}

/** Reads the first password of an account that has none. At a terminal it has to be typed twice. */
export async function askFirstPassword(io: Io): Promise<{ new_password: string }> {
  return { new_password: io.stdin.isTTY ? await askTwice(io, 'New password: ') : await readSecret(io) };
}

/**
 * Reads the old and the new password. Without a terminal they are two lines of the standard input; if ERRAND_PASSWORD
 * has the old one, only the new one is read.
 */
export async function askPasswordChange(io: Io): Promise<{ old_password: string; new_password: string }> {
  if (io.stdin.isTTY) {
    const old_password = io.password ?? (await ask(io, 'Current password: ', true));
    return { old_password, new_password: await askTwice(io, 'New password: ') };
  }
  const given = [...(io.password === undefined ? [] : [io.password]), ...(await readSecret(io)).split(/\r?\n/)];
  const [old_password, new_password, ...more] = given;
  if (old_password === undefined || new_password === undefined || more.length > 0)
    throw new UsageFailure('The standard input has two lines: the current password and the new one.');
  return { old_password, new_password };
}

async function askTwice(io: Io, question: string): Promise<string> {
  const password = await ask(io, question, true);
  if ((await ask(io, 'The same again: ', true)) !== password)
    throw new UsageFailure('The two passwords are not the same.');
  return password;
}

/** Asks the user a question. `hidden`: the answer is not echoed. Rejects without a terminal, and at Ctrl-C. */
export async function ask(io: Io, question: string, hidden = false): Promise<string> {
  if (!io.stdin.isTTY)
    throw new Failure(`${question.replace(/: $/, '')} is missing, and there is no terminal to ask on.`);
  io.stderr.write(wrap(question, columnsOf(io.stderr)).join('\n'));
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({
    input: io.stdin,
    output: hidden ? nowhere : io.stderr,
    terminal: true,
    signal: io.signal,
  });
  try {
    return await new Promise<string>((resolve, reject) => {
      lines.once('line', resolve);
      lines.once('SIGINT', () => reject(new DOMException('Interrupted.', 'AbortError')));
      lines.once('close', () => reject(new Failure('Nothing was entered.')));
    });
  } finally {
    lines.close();
    if (hidden) io.stderr.write('\n');
  }
}
