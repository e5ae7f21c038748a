import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** The time limit of one call. */
const CALL_MS = 120_000;

/** Starts a program of this folder in a process of its own, which ends with `stack`. */
export function startProgram(stack: AsyncDisposableStack, path: string, args: string[] = []): ChildProcess {
  return stack.adopt(fork(path, args), (child) => void child.kill());
}

/** Starts a program that answers each message with one. Returns the function that calls it, one call at a time. */
export function startCalls<Answer>(stack: AsyncDisposableStack, path: string): (call: object) => Promise<Answer> {
  const child = startProgram(stack, path);
  const failed = once(child, 'exit').then(() => Promise.reject(new Error(`${path} failed.`)));
  failed.catch(() => undefined);
  return async (call) => {
    const signal = AbortSignal.timeout(CALL_MS);
    child.send(call);
    const [answer] = await Promise.race([once(child, 'message', { signal }), failed]);
    return answer;
  };
}
