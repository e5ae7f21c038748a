import { createReadStream, createWriteStream } from 'node:fs';
import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { makeFolder } from '../../base/make-folder.ts';
import { BackupError, toBackupError } from './error.ts';
import { readName } from './name.ts';
import type { BackupStore, LocalFile, StoredFile } from './store.ts';
import { errorCode } from '../../base/error-code.ts';

/** The name of a file while it is written. The next run removes what a killed one left. */
const UNFINISHED = '.errand-backup.part';

/** Backups in a folder of this machine, or of a disk that is mounted on it. */
export class FolderStore implements BackupStore {
  readonly where: string;
  readonly #path: string;

  constructor(path: string) {
    this.where = path;
    this.#path = path;
  }

  async put(name: string, { path }: LocalFile, signal: AbortSignal): Promise<void> {
    const unfinished = join(this.#path, UNFINISHED);
    try {
      makeFolder(this.#path);
      await rm(unfinished, { force: true });
      await pipeline(createReadStream(path), createWriteStream(unfinished, { mode: 0o600, flush: true }), { signal });
      await rename(unfinished, join(this.#path, name));
      await syncFolder(this.#path);
    } catch (error) {
      await rm(unfinished, { force: true }).catch(() => undefined);
      throw toBackupError(`The backup could not be written to ${this.#path}`, error);
    }
  }

  async list(): Promise<StoredFile[]> {
    try {
      const names = (await readdir(this.#path)).filter((name) => readName(name) !== undefined).sort();
      return await Promise.all(names.map(async (name) => ({ name, bytes: (await stat(join(this.#path, name))).size })));
    } catch (error) {
      if (isMissing(error)) return [];
      throw toBackupError(`The folder ${this.#path} could not be read`, error);
    }
  }

  async get(name: string): Promise<Readable> {
    try {
      const file = await open(join(this.#path, name));
      return file.createReadStream();
    } catch (error) {
      if (isMissing(error)) throw new BackupError(`There is no backup ${name} in ${this.#path}.`);
      throw toBackupError(`The backup ${name} could not be read`, error);
    }
  }

  async remove(name: string): Promise<void> {
    await rm(join(this.#path, name), { force: true }).catch((error: unknown) => {
      throw toBackupError(`The old backup ${name} could not be removed`, error);
    });
  }
}

/** Makes created and renamed files of a folder survive a power loss. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function isMissing(error: unknown): boolean {
  return errorCode(error) === 'ENOENT';
}
