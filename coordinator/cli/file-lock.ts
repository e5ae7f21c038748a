import { open, rm, stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { Failure } from '../client/errors.ts';

/** After this time a lock's holder is taken to be dead. What is done under a lock takes far less. */
const STALE_MS = 30_000;
const WAIT_MS = 60_000;
const LOOK_MS = 25;

/** Runs `act` while no other process holds the lock file at `path`. Rejects with `Failure` where it does not become free. */
export async function withLock<T>(path: string, act: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + WAIT_MS;
  while (!(await tryLock(path))) {
    if (Date.now() > deadline) throw new Failure(`Another errand process holds ${path}: remove it if none runs.`);
    await delay(LOOK_MS);
  }
  try {
    return await act();
  } finally {
    await rm(path, { force: true });
  }
}

async function tryLock(path: string): Promise<boolean> {
  try {
    await (await open(path, 'wx', 0o600)).close();
    return true;
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
  }
  try {
    // If two processes remove the same dead lock, both may refresh: the server gives both the same tokens.
    if (Date.now() - (await stat(path)).mtimeMs > STALE_MS) await rm(path, { force: true });
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
  }
  return false;
}

/** Whether it is a system error of that code, such as `ENOENT`. */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
