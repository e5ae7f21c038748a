import { createReadStream, createWriteStream } from 'node:fs';
import { access, mkdir, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { fingerprintOfKeys } from '../../base/keys.ts';
import { copyDatabase } from '../../sqlite/copy.ts';
import { lockBackups } from '../../sqlite/data-lock.ts';
import { checksumOf } from './checksum.ts';
import { describe } from './description.ts';
import { BackupError, toBackupError } from './error.ts';
import { takeLock } from './lock.ts';
import { nameOf } from './name.ts';
import { toPrune } from './retention.ts';
import { updateBackupState } from './state.ts';
import type { BackupStore, LocalFile } from './store.ts';

/** `free_bytes_min`: what of the disk is left free in any case. With less the server begins no new work, and gives workspaces up. */
export type BackupConfig = { data_dir: string; free_bytes_min: number };

type Made = { name: string; at: string; bytes: number; pruned: number };

/**
 * Makes a backup of a data folder's database, which a server may be writing meanwhile, keeps it in `store`, and removes there what has become too
 * old. What came of it is noted in `backup.json`. Throws a `BackupError`. Runs in a process of its own: it computes for long at a stretch.
 */
export async function backUp(config: BackupConfig, store: BackupStore, signal: AbortSignal): Promise<Made> {
  const { data_dir } = config;
  await access(join(data_dir, 'errand.db')).catch(() => {
    throw new BackupError(`There is no database in ${data_dir}: is ERRAND_DATA set as it is for the server?`);
  });
  const lock = takeLock(lockBackups, data_dir, `Another backup of ${data_dir} is under way.`);
  try {
    return await make(config, store, signal);
  } catch (error) {
    signal.throwIfAborted();
    const failure = toBackupError('The backup could not be made', error);
    // Where not even this can be written, whoever started this process reads the words.
    const last_failure = { at: new Date().toISOString(), words: failure.message };
    await updateBackupState(data_dir, { last_failure }).catch(() => undefined);
    throw failure;
  } finally {
    lock.release();
  }
}

async function make(
  { data_dir, free_bytes_min }: BackupConfig,
  store: BackupStore,
  signal: AbortSignal,
): Promise<Made> {
  const began = performance.now();
  const folder = join(data_dir, 'backup-work');
  // A run that was killed left it behind.
  await rm(folder, { recursive: true, force: true });
  await requireRoom(data_dir, free_bytes_min);
  await mkdir(folder, { mode: 0o700 });
  try {
    // A store that cannot be reached, or does not let us in, is found out before the work is done.
    await store.list(signal);
    const taken = new Date();
    const file = await pack(data_dir, folder, taken, signal);
    const [name, at] = [nameOf(taken, file.sha256), taken.toISOString()];
    await store.put(name, file, signal);
    const kept = await store.list(signal);
    if (!kept.some((other) => other.name === name && other.bytes === file.bytes))
      throw new BackupError(`The backup ${name} was written to ${store.where}, and is not there.`);
    const took_ms = Math.round(performance.now() - began);
    await updateBackupState(data_dir, { last_good: { at, name, bytes: file.bytes, took_ms } });
    const old = toPrune(
      kept.map(({ name }) => name),
      taken.getTime(),
    );
    for (const name of old) await store.remove(name, signal);
    return { name, at, bytes: file.bytes, pruned: old.length };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Copies, checks and compresses the database into `folder`. */
async function pack(data_dir: string, folder: string, at: Date, signal: AbortSignal): Promise<LocalFile> {
  const copy = join(folder, 'errand.db');
  await copyDatabase(join(data_dir, 'errand.db'), copy);
  signal.throwIfAborted();
  describe(copy, { at: at.toISOString(), keys: fingerprintOfKeys(data_dir) });
  const path = join(folder, 'errand.db.gz');
  await pipeline(createReadStream(copy), createGzip({ level: 6 }), createWriteStream(path, { mode: 0o600 }), {
    signal,
  });
  await rm(copy);
  return { path, bytes: (await stat(path)).size, sha256: await checksumOf(path) };
}

/** The copy is as large as the database with its WAL; compressed it is less, and most of all as much again. */
async function requireRoom(data_dir: string, free_bytes_min: number): Promise<void> {
  const sizes = ['errand.db', 'errand.db-wal'].map((name) =>
    stat(join(data_dir, name)).then(
      ({ size }) => size,
      () => 0,
    ),
  );
  const needed = 2 * (await Promise.all(sizes)).reduce((sum, size) => sum + size) + free_bytes_min;
  const { bavail, bsize } = await statfs(data_dir);
  if (bavail * bsize >= needed) return;
  const mb = (bytes: number) => `${Math.ceil(bytes / 1024 / 1024)} MB`;
  throw new BackupError(
    `The disk of ${data_dir} has no room for a backup: ${mb(needed)} are needed to make one, and ${mb(bavail * bsize)} are free.`,
  );
}
