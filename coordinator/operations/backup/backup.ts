import { createReadStream, createWriteStream } from 'node:fs';
import { access, mkdir, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { fingerprintOfKeys } from '../../base/keys.ts';
import { copyDatabase } from '../../sqlite/copy.ts';
import { lockBackups } from '../../sqlite/data-lock.ts';
import { checksumOf } from './checksum.ts';
import { BackupError, toBackupError } from './error.ts';
import { takeLock } from './lock.ts';
import { copyByServer, copyPath, workFolder } from './copy-service.ts';
import { addManifest } from './manifest.ts';
import { nameOf } from './name.ts';
import { toPrune } from './retention.ts';
import { updateBackupState } from './state.ts';
import type { BackupStore, LocalFile } from './store.ts';

/** `free_bytes_min`: disk space that stays free. With less the server starts no work and deletes workspaces. */
export type BackupConfig = { data_dir: string; free_bytes_min: number };

type BackupResult = { name: string; at: string; bytes: number; pruned: number };

/**
 * Backs up the database of a data folder, which a server may be writing to: puts a copy into `store`, then removes
 * expired backups from it. Records the outcome in `backup.json`. Throws a `BackupError`.
 *
 * It blocks the event loop while it checks the copy: run it in a process of its own.
 */
export async function backUp(config: BackupConfig, store: BackupStore, signal: AbortSignal): Promise<BackupResult> {
  const { data_dir } = config;
  await access(join(data_dir, 'errand.db')).catch(() => {
    throw new BackupError(`There is no database in ${data_dir}: is ERRAND_DATA set as it is for the server?`);
  });
  const lock = takeLock(lockBackups, data_dir, `Another backup of ${data_dir} is running.`);
  try {
    return await makeBackup(config, store, signal);
  } catch (error) {
    signal.throwIfAborted();
    const failure = toBackupError('The backup could not be made', error);
    const last_failure = { at: new Date().toISOString(), message: failure.message };
    // The disk may be too full for this, too. The caller still gets the error.
    await updateBackupState(data_dir, { last_failure }).catch(() => undefined);
    throw failure;
  } finally {
    lock.release();
  }
}

async function makeBackup(
  { data_dir, free_bytes_min }: BackupConfig,
  store: BackupStore,
  signal: AbortSignal,
): Promise<BackupResult> {
  const began = performance.now();
  const folder = workFolder(data_dir);
  // A killed run may have left it behind.
  await rm(folder, { recursive: true, force: true });
  await requireFreeSpace(data_dir, free_bytes_min);
  await mkdir(folder, { mode: 0o700 });
  try {
    // Fail early if the store is away or refuses access.
    await store.list(signal);
    const taken = new Date();
    const file = await copyAndCompress(data_dir, folder, taken, signal);
    const [name, at] = [nameOf(taken, file.sha256), taken.toISOString()];
    await store.put(name, file, signal);
    const stored = await store.list(signal);
    if (!stored.some((other) => other.name === name && other.bytes === file.bytes))
      throw new BackupError(`The backup ${name} was sent to ${store.where}, but is not there.`);
    const took_ms = Math.round(performance.now() - began);
    await updateBackupState(data_dir, { last_good: { at, name, bytes: file.bytes, took_ms } });
    const old = toPrune(
      stored.map(({ name }) => name),
      taken.getTime(),
    );
    for (const name of old) await store.remove(name, signal);
    return { name, at, bytes: file.bytes, pruned: old.length };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Copies the database into `folder`, checks the copy and compresses it. */
async function copyAndCompress(
  data_dir: string,
  folder: string,
  at: Date,
  signal: AbortSignal,
): Promise<LocalFile & { sha256: string }> {
  const copy = copyPath(data_dir);
  if (!(await copyByServer(data_dir, signal))) await copyDatabase(join(data_dir, 'errand.db'), copy);
  signal.throwIfAborted();
  addManifest(copy, { at: at.toISOString(), keys: fingerprintOfKeys(data_dir) });
  const path = join(folder, 'errand.db.gz');
  await pipeline(createReadStream(copy), createGzip({ level: 6 }), createWriteStream(path, { mode: 0o600 }), {
    signal,
  });
  await rm(copy);
  return { path, bytes: (await stat(path)).size, sha256: await checksumOf(path) };
}

/** The copy is as large as the database with its WAL. The compressed copy is at most as large again. */
async function requireFreeSpace(data_dir: string, free_bytes_min: number): Promise<void> {
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
    `The disk of ${data_dir} has no room for a backup: it takes ${mb(needed)}, and ${mb(bavail * bsize)} are free.`,
  );
}
