import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { newId } from '../../protocol/ids.ts';
import { Failure } from '../client/errors.ts';
import type { SessionStore } from '../client/session.ts';
import { hasCode, withLock } from './file-lock.ts';
import { findServer, nameFor, NO_SERVERS, Servers, StoredLogin, storedOf, toServer, withServer } from './servers.ts';

/**
 * The file with the known servers and their log-ins. Only its owner can read it; several processes may use it at once.
 */
export class ServersFile {
  readonly #dir: string;
  readonly #path: string;
  /** The file of older versions, with a single log-in. */
  readonly #old_path: string;

  constructor(dir: string) {
    this.#dir = dir;
    this.#path = join(dir, 'servers.json');
    this.#old_path = join(dir, 'session.json');
  }

  async read(): Promise<Servers> {
    const kept = await readJson(this.#path, (value) => Servers.parse(value));
    if (kept) return kept;
    const old = await readJson(this.#old_path, (value) => StoredLogin.parse(value));
    if (!old) return NO_SERVERS;
    const server = toServer(nameFor(old.server), old);
    return { current: server.name, servers: [server] };
  }

  /** Changes the file under its lock. Resolves with the new content. */
  update(change: (servers: Servers) => Servers | Promise<Servers>): Promise<Servers> {
    return this.#locked(async () => {
      const changed = await change(await this.read());
      await this.#write(changed);
      return changed;
    });
  }

  /** Rejects with `Failure` if a log-in could not be kept. To be asked before one is made on a server. */
  async requireWritable(): Promise<void> {
    await this.update((servers) => servers);
  }

  /** The store for the log-in at one server. */
  session(name: string): SessionStore {
    return {
      read: async () => storedOf(findServer(await this.read(), name)),
      // `Client` calls this under `locked`, as a log-out is: nothing has come in between.
      renew: async (_used, stored) => {
        await this.#write(withServer(await this.read(), toServer(name, stored)));
        return true;
      },
      locked: (act) => this.#locked(act),
    };
  }

  async #locked<T>(act: () => Promise<T>): Promise<T> {
    try {
      await mkdir(this.#dir, { recursive: true, mode: 0o700 });
      return await withLock(`${this.#path}.lock`, act);
    } catch (error) {
      // What a system call says, such as that the disk is read-only or full.
      if (!(error instanceof Error && 'syscall' in error)) throw error;
      const words = `Log-ins cannot be kept in ${this.#dir}: ${error.message}. Make that folder writable, or set XDG_CONFIG_HOME to another.`;
      throw new Failure(words, { cause: error });
    }
  }

  /** Replaces the file in one step: a reader sees the old one or the new one, whole. */
  async #write(servers: Servers): Promise<void> {
    const path = `${this.#path}.${newId()}`;
    const file = await open(path, 'wx', 0o600);
    try {
      await file.writeFile(`${JSON.stringify(servers, null, 2)}\n`);
      await file.sync();
      await file.close();
      await rename(path, this.#path);
    } catch (error) {
      await file.close();
      await rm(path, { force: true });
      throw error;
    }
    await rm(this.#old_path, { force: true });
  }
}

/** Reads a JSON file; undefined if there is none. Rejects with `Failure` if it cannot be read. */
async function readJson<T>(path: string, parse: (value: unknown) => T): Promise<T | undefined> {
  try {
    return parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return undefined;
    throw new Failure(`${path} cannot be read: move it away, and log in again.`, { cause: error });
  }
}
