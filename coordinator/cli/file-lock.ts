import { open, rm, stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { Failure } from '../client/errors.ts';

/** A lock older than this belongs to a dead process: work under a lock takes far less. */
const STALE_MS = 30_000;
const WAIT_MS = 60_000;
const LOOK_MS = 25;

/**
 * Runs `act` while this process holds the lock file at `path`. Rejects with `Failure` if the lock does not become free.
 */
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
    // Two processes may remove the same dead lock, and both refresh the log-in: the server gives both the same tokens.
    if (Date.now() - (await stat(path)).mtimeMs > STALE_MS) await rm(path, { force: true });
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
  }
  return false;
}

/** Whether an error has this system error code, such as `ENOENT`. */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
