import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { Session } from '../../protocol/accounts.ts';
import { newId } from '../../protocol/ids.ts';
import { Failure } from './failure.ts';

const Stored = z.object({
  server: z.url(),
  user_id: z.string(),
  email: z.string(),
  access_token: z.string(),
  refresh_token: z.string(),
  /** When the access token ends, in milliseconds since 1970. */
  expires_at_ms: z.number(),
});
export type Stored = z.infer<typeof Stored>;

/** How long another process may hold the lock before it is taken to be dead. A refresh is given up long before. */
const LOCK_STALE_MS = 30_000;
const LOCK_WAIT_MS = 60_000;

/** A log-in as it is kept. */
export function toStored(server: string, session: Session): Stored {
  const { user, access_token, refresh_token, expires_in } = session;
  return {
    server,
    user_id: user.id,
    email: user.email,
    access_token,
    refresh_token,
    expires_at_ms: Date.now() + expires_in * 1000,
  };
}

/** The file that keeps the log-in, readable by its owner alone. Several processes may use it at once. */
export class SessionFile {
  readonly #dir: string;
  readonly #path: string;

  constructor(dir: string) {
    this.#dir = dir;
    this.#path = join(dir, 'session.json');
  }

  /** The log-in; undefined where there is none. */
  async read(): Promise<Stored | undefined> {
    try {
      return Stored.parse(JSON.parse(await readFile(this.#path, 'utf8')));
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return undefined;
      throw new Failure(`${this.#path} cannot be read: log in again, with npx errand login.`, { cause: error });
    }
  }

  /** Replaces the file in one step: a reader sees the old one or the new one, whole. */
  async write(stored: Stored): Promise<void> {
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    const path = `${this.#path}.${newId()}`;
    const file = await open(path, 'wx', 0o600);
    try {
      await file.writeFile(`${JSON.stringify(stored, null, 2)}\n`);
      await file.sync();
      await file.close();
      await rename(path, this.#path);
    } catch (error) {
      await file.close();
      await rm(path, { force: true });
      throw error;
    }
  }

  async remove(): Promise<void> {
    await rm(this.#path, { force: true });
  }

  /** Does something while no other process does. Throws where the lock does not become free. */
  async locked<T>(act: () => Promise<T>): Promise<T> {
    const path = `${this.#path}.lock`;
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    const deadline = Date.now() + LOCK_WAIT_MS;
    while (!(await tryLock(path))) {
      if (Date.now() > deadline) throw new Failure(`Another errand process holds ${path}: remove it if none runs.`);
      await delay(25);
    }
    try {
      return await act();
    } finally {
      await rm(path, { force: true });
    }
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
    // Should two processes clear away the same dead lock, both may refresh: the server gives both the same tokens.
    if (Date.now() - (await stat(path)).mtimeMs > LOCK_STALE_MS) await rm(path, { force: true });
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
  }
  return false;
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
