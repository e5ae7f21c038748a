import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { open, rename, stat, statfs } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Transform, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { checksumOf } from './checksum.ts';
import { BackupError, BadBackup } from './error.ts';
import { isInFuture, readName } from './name.ts';
import type { BackupStore } from './store.ts';
import { errorCode } from '../../base/error-code.ts';

/** What to restore: a file of this machine, a backup of the store by its name, or the newest one of the store. */
export type RestoreSource = { file: string } | { store: BackupStore; name?: string | undefined };

/** The first bytes of every SQLite database. */
const HEADER = Buffer.from('SQLite format 3\0');

type Fetched = {
  name: string;
  /** The path of the unpacked database. */
  database: string;
  /** When the file was last written (ISO), if it is a plain database and not a backup. It needs no manifest then. */
  plain_at: string | undefined;
  /** How many backups were skipped because they are dated in the future. */
  skipped: number;
};

/** Copies a backup into `folder`, compares its checksum, and unpacks it. A plain database is taken as it is. */
export async function fetchBackup(
  folder: string,
  from: RestoreSource,
  free_bytes_min: number,
  signal: AbortSignal,
): Promise<Fetched> {
  const { name, content, skipped } = await openSource(from, signal);
  const write = async (source: Readable, to: string) =>
    pipeline(source, await limitToDisk(folder, free_bytes_min), createWriteStream(to, { mode: 0o600 }), { signal });
  const [path, database] = [join(folder, 'fetched'), join(folder, 'errand.db')];
  await write(content, path);
  const checksum = readName(name)?.checksum;
  if (checksum !== undefined && !(await checksumOf(path)).startsWith(checksum))
    throw new BadBackup(`The backup ${name} is damaged: its checksum is not the one in its name.`);
  if (!('file' in from) || !(await isDatabase(path))) {
    await unpack(path, database, free_bytes_min, signal);
    return { name, database, plain_at: undefined, skipped };
  }
  await rename(path, database);
  // The newest rows may still be in its WAL.
  if (existsSync(`${from.file}-wal`)) await write(createReadStream(`${from.file}-wal`), `${database}-wal`);
  return { name, database, plain_at: (await stat(from.file)).mtime.toISOString(), skipped };
}

async function openSource(
  from: RestoreSource,
  signal: AbortSignal,
): Promise<{ name: string; content: Readable; skipped: number }> {
  if ('file' in from) {
    if (!existsSync(from.file)) throw new BackupError(`There is no file ${from.file}.`);
    return { name: basename(from.file), content: createReadStream(from.file), skipped: 0 };
  }
  const { store } = from;
  const { name, skipped } = from.name === undefined ? await newestOf(store, signal) : { name: from.name, skipped: 0 };
  if (!readName(name))
    throw new BackupError(`'${name}' is not the name of a backup: errand restore --list shows them.`);
  return { name, content: await store.get(name, signal), skipped };
}

async function newestOf(store: BackupStore, signal: AbortSignal): Promise<{ name: string; skipped: number }> {
  const all = await store.list(signal);
  const now_ms = Date.now();
  const usable = all.filter(({ name }) => !isInFuture(readName(name)?.at_ms ?? 0, now_ms));
  const name = usable.at(-1)?.name;
  if (name !== undefined) return { name, skipped: all.length - usable.length };
  throw new BackupError(
    all.length === 0
      ? `There is no backup in ${store.where}.`
      : `All backups in ${store.where} are dated in the future. Is this machine's clock right? ` +
          'errand restore --list shows them; name the one to restore.',
  );
}

async function isDatabase(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEADER.length));
    return bytesRead === HEADER.length && buffer.equals(HEADER);
  } finally {
    await file.close();
  }
}

async function unpack(from: string, to: string, free_bytes_min: number, signal: AbortSignal): Promise<void> {
  const limit = await limitToDisk(from, free_bytes_min);
  try {
    await pipeline(createReadStream(from), createGunzip(), limit, createWriteStream(to, { mode: 0o600 }), { signal });
  } catch (error) {
    const damaged = errorCode(error)?.startsWith('Z_') === true;
    throw damaged ? new BadBackup('The backup is damaged: it cannot be unpacked.', { cause: error }) : error;
  }
  if ((await stat(to)).size === 0) throw new BadBackup('The backup is damaged: it is empty.');
}

/** Passes on no more bytes than the disk of `path` has room for. */
async function limitToDisk(path: string, free_bytes_min: number): Promise<Transform> {
  const { bavail, bsize } = await statfs(path);
  let left = bavail * bsize - free_bytes_min;
  return new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      left -= chunk.length;
      if (left >= 0) done(null, chunk);
      else done(new BackupError('The disk has no room for this backup.'));
    },
  });
}
