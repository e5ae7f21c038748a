import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { mkdir, open, rm, stat, statfs } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Transform, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { fingerprintOfKeys } from '../keys.ts';
import { lockBackups, lockDataFolder } from '../sqlite/data-lock.ts';
import type { BackupConfig } from './backup.ts';
import { checksumOf } from './checksum.ts';
import { verify, type Description } from './description.ts';
import { BackupError, toBackupError } from './error.ts';
import { readName } from './name.ts';
import { renew } from './new-history.ts';
import type { BackupStore } from './store.ts';
import { restoreFolder, swapDatabase } from './swap.ts';

/** Which backup: a file of this machine, one of the store by its name, or the store's newest. */
export type Wanted = { file: string } | { store: BackupStore; name?: string | undefined };

export type Restored = {
  name: string;
  description: Description;
  /** How many tasks were under way, and go on in a new attempt. */
  going_on: number;
  /** The folder, in the data folder, that has the database of before; null: there was none. */
  aside: string | null;
  /** Whether the data folder has the keys that the backup's secrets are sealed with. */
  keys: 'the same' | 'others' | 'none';
};

/**
 * Puts a backup in the place of a data folder's database. Whatever is wrong with the backup is found before anything is replaced, and the database
 * of before is moved aside, not deleted. Throws a `BackupError`.
 */
export async function restore(config: BackupConfig, wanted: Wanted, signal: AbortSignal): Promise<Restored> {
  const { data_dir } = config;
  await mkdir(data_dir, { recursive: true, mode: 0o700 });
  const locks = [lockDataFolder(data_dir), lockBackups(data_dir)];
  try {
    if (!locks[0]) throw new BackupError(`An Errand is running on the data folder ${data_dir}. Stop it first.`);
    if (!locks[1]) throw new BackupError(`A backup of ${data_dir} is under way. Wait until it has ended.`);
    return await replace(config, wanted, signal);
  } catch (error) {
    signal.throwIfAborted();
    throw toBackupError('The backup could not be restored', error);
  } finally {
    for (const lock of locks) lock?.release();
  }
}

async function replace(
  { data_dir, free_bytes_min }: BackupConfig,
  wanted: Wanted,
  signal: AbortSignal,
): Promise<Restored> {
  const folder = restoreFolder(data_dir);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { mode: 0o700 });
  try {
    const { name, path } = await fetchInto(folder, wanted, free_bytes_min, signal);
    const database = join(folder, 'errand.db');
    await unpack(path, database, free_bytes_min, signal);
    const description = verify(database);
    const going_on = renew(database, description.at);
    await sync(database);
    signal.throwIfAborted();
    const found = fingerprintOfKeys(data_dir);
    const keys = found === null ? 'none' : found === description.keys ? 'the same' : 'others';
    return { name, description, going_on, keys, aside: await swapDatabase(data_dir, database, new Date()) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Gets the file, and holds it against the checksum that its name bears. */
async function fetchInto(
  folder: string,
  wanted: Wanted,
  free_bytes_min: number,
  signal: AbortSignal,
): Promise<{ name: string; path: string }> {
  const { name, content } = await openWanted(wanted, signal);
  const path = join(folder, 'errand.db.gz');
  await pipeline(content, bounded(await roomAt(folder, free_bytes_min)), createWriteStream(path, { mode: 0o600 }), {
    signal,
  });
  const checksum = readName(name)?.checksum;
  if (checksum !== undefined && !(await checksumOf(path)).startsWith(checksum))
    throw new BackupError(`The backup ${name} is damaged: its checksum is not the one that its name bears.`);
  return { name, path };
}

async function openWanted(wanted: Wanted, signal: AbortSignal): Promise<{ name: string; content: Readable }> {
  if ('file' in wanted) {
    if (!existsSync(wanted.file)) throw new BackupError(`There is no file ${wanted.file}.`);
    return { name: basename(wanted.file), content: createReadStream(wanted.file) };
  }
  const { store } = wanted;
  const name = wanted.name ?? (await store.list(signal)).at(-1)?.name;
  if (name === undefined) throw new BackupError(`There is no backup in ${store.where}.`);
  if (!readName(name))
    throw new BackupError(`'${name}' is not the name of a backup: errand restore --list shows them.`);
  return { name, content: await store.get(name, signal) };
}

async function unpack(from: string, to: string, free_bytes_min: number, signal: AbortSignal): Promise<void> {
  const room = bounded(await roomAt(from, free_bytes_min));
  try {
    await pipeline(createReadStream(from), createGunzip(), room, createWriteStream(to, { mode: 0o600 }), { signal });
  } catch (error) {
    const broken = error instanceof Error && 'code' in error && String(error.code).startsWith('Z_');
    throw broken ? new BackupError('The backup is damaged: it cannot be unpacked.', { cause: error }) : error;
  }
  if ((await stat(to)).size === 0) throw new BackupError('The backup is damaged: there is nothing in it.');
}

/** Lets so many bytes pass, and no more. */
function bounded(bytes_max: number): Transform {
  let bytes = 0;
  return new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      bytes += chunk.length;
      if (bytes <= bytes_max) done(null, chunk);
      else done(new BackupError('The disk has no room for this backup.'));
    },
  });
}

/** What a file may take of the disk that this path is on. */
async function roomAt(path: string, free_bytes_min: number): Promise<number> {
  const { bavail, bsize } = await statfs(path);
  return Math.max(0, bavail * bsize - free_bytes_min);
}

async function sync(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
