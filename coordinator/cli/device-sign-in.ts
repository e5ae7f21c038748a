import type { DeviceStarted } from '../../protocol/forges.ts';
import { Failure, isPassing, namedWaitMs, Refusal } from '../client/errors.ts';
import { wait } from '../client/wait.ts';
import { printBeside, type Io } from './io.ts';

/** What the server answers to the question whether the code was typed. `done` null: not yet. */
type Polled<T> = { done: T | null; interval_s: number };

/** Shows the code that the person types in a browser, on any device, and asks until they have. */
export async function signInByCode<T>(
  io: Io,
  { user_code, verification_uri, interval_s, expires_in }: DeviceStarted,
  poll: () => Promise<Polled<T>>,
): Promise<T> {
  printBeside(io, [
    ['Open ', ['command', verification_uri], ' on any device, and type the code ', ['bold', user_code], '.'],
  ]);
  const until = Date.now() + expires_in * 1000;
  for (let pause_s = interval_s; Date.now() < until;) {
    await wait(pause_s * 1000, io.signal);
    try {
      const { done, interval_s: next_s } = await poll();
      if (done !== null) return done;
      pause_s = Math.max(interval_s, next_s);
    } catch (error) {
      const is_forge_away = error instanceof Refusal && error.code === 'upstream_unreachable';
      if (!is_forge_away && !isPassing(error)) throw error;
      pause_s = Math.max(interval_s, namedWaitMs(error, expires_in * 1000) / 1000);
    }
  }
  throw new Failure('Nobody typed the code in time: begin again.');
}
