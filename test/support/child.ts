import type { ExecutionContext } from 'ava';
import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Starts a program of this repository with this Node. It is killed when the test ends. */
export function startProgram(t: ExecutionContext, file: string, args: string[], env: Record<string, string> = {}) {
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  const child = spawn(process.execPath, [file, ...args], {
    env: { PATH, NODE_COMPILE_CACHE, HOME: '/nonexistent', ...env },
  });
  let printed = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (printed += text));
  const closed = once(child, 'close') as Promise<[number | null]>;
  t.teardown(async () => {
    child.kill('SIGKILL');
    await closed;
  });
  return {
    printed: () => printed,
    type: (line: string) => void child.stdin.write(`${line}\n`),
    signal: (name: NodeJS.Signals) => void child.kill(name),
    exit: closed.then(([code]) => code),
  };
}
