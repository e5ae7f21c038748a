import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { Failure } from '../client/errors.ts';
import { UsageFailure } from './usage-failure.ts';
import type { Io } from './io.ts';

/** Spares the question of `confirm`. */
export const YES_OPTION = { type: 'boolean', help: 'do not ask whether it is meant' } as const;

/** Asks whether something is meant that cannot be undone, unless `yes`. Throws where it is not, or nobody can be asked. */
export async function confirm(io: Io, question: string, yes: boolean | undefined): Promise<void> {
  if (yes === true) return;
  if (!io.stdin.isTTY) throw new UsageFailure('There is no terminal to ask on whether it is meant: say so with --yes.');
  const answer = await ask(io, `${question} It cannot be undone. [y/N] `);
  if (!/^\s*y(es)?\s*$/i.test(answer)) throw new Failure('Nothing was removed.');
}

/** Asks a person. `hidden`: what is typed is not shown. Throws where nobody can be asked, and at Ctrl-C. */
export async function ask(io: Io, question: string, hidden = false): Promise<string> {
  if (!io.stdin.isTTY)
    throw new Failure(`${question.replace(/: $/, '')} is missing, and there is no terminal to ask on.`);
  io.stderr.write(question);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: io.stdin, output: hidden ? nowhere : io.stderr, terminal: true });
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
