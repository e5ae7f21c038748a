import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { open, rename, stat, statfs } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Transform, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { checksumOf } from './checksum.ts';
import { BackupError } from './error.ts';
import { isAhead, readName } from './name.ts';
import type { BackupStore } from './store.ts';

/** Which backup: a file of this machine, one of the store by its name, or the store's newest. */
export type Wanted = { file: string } | { store: BackupStore; name?: string | undefined };

/** How every database of SQLite begins. */
const HEADER = Buffer.from('SQLite format 3\0');

type Fetched = {
  name: string;
  /** The file of the database, unpacked. */
  database: string;
  /** Where the file was no backup but a database as it is: when it was last written, an ISO time. Such a one need not describe itself. */
  plain_at: string | undefined;
  /** How many backups of a time to come there are that were not taken for the newest. */
  passed_over: number;
};

/** Gets a backup into `folder`, holds it against the checksum that its name bears, and unpacks it, where it is not a database as it is. */
export async function fetchDatabase(
  folder: string,
  wanted: Wanted,
  free_bytes_min: number,
  signal: AbortSignal,
): Promise<Fetched> {
  const { name, content, passed_over } = await openWanted(wanted, signal);
  const write = async (from: Readable, to: string) =>
    pipeline(from, await bounded(folder, free_bytes_min), createWriteStream(to, { mode: 0o600 }), { signal });
  const [path, database] = [join(folder, 'fetched'), join(folder, 'errand.db')];
  await write(content, path);
  const checksum = readName(name)?.checksum;
  if (checksum !== undefined && !(await checksumOf(path)).startsWith(checksum))
    throw new BackupError(`The backup ${name} is damaged: its checksum is not the one that its name bears.`);
  if (!('file' in wanted) || !(await isDatabase(path))) {
    await unpack(path, database, free_bytes_min, signal);
    return { name, database, plain_at: undefined, passed_over };
  }
  await rename(path, database);
  // What was written to it last may be beside it still.
  if (existsSync(`${wanted.file}-wal`)) await write(createReadStream(`${wanted.file}-wal`), `${database}-wal`);
  return { name, database, plain_at: (await stat(wanted.file)).mtime.toISOString(), passed_over };
}

async function openWanted(
  wanted: Wanted,
  signal: AbortSignal,
): Promise<{ name: string; content: Readable; passed_over: number }> {
  if ('file' in wanted) {
    if (!existsSync(wanted.file)) throw new BackupError(`There is no file ${wanted.file}.`);
    return { name: basename(wanted.file), content: createReadStream(wanted.file), passed_over: 0 };
  }
  const { store } = wanted;
  const { name, passed_over } =
    wanted.name === undefined ? await newestOf(store, signal) : { name: wanted.name, passed_over: 0 };
  if (!readName(name))
    throw new BackupError(`'${name}' is not the name of a backup: errand restore --list shows them.`);
  return { name, content: await store.get(name, signal), passed_over };
}

async function newestOf(store: BackupStore, signal: AbortSignal): Promise<{ name: string; passed_over: number }> {
  const all = await store.list(signal);
  const now_ms = Date.now();
  const usable = all.filter(({ name }) => !isAhead(readName(name)?.at_ms ?? 0, now_ms));
  const name = usable.at(-1)?.name;
  if (name !== undefined) return { name, passed_over: all.length - usable.length };
  throw new BackupError(
    all.length === 0
      ? `There is no backup in ${store.where}.`
      : `All backups in ${store.where} are of a time to come. Is this machine's clock right? errand restore --list shows them; name the one to restore.`,
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
  const room = await bounded(from, free_bytes_min);
  try {
    await pipeline(createReadStream(from), createGunzip(), room, createWriteStream(to, { mode: 0o600 }), { signal });
  } catch (error) {
    const broken = error instanceof Error && 'code' in error && String(error.code).startsWith('Z_');
    throw broken ? new BackupError('The backup is damaged: it cannot be unpacked.', { cause: error }) : error;
  }
  if ((await stat(to)).size === 0) throw new BackupError('The backup is damaged: there is nothing in it.');
}

/** Lets as many bytes pass as the disk that this path is on has room for, and no more. */
async function bounded(path: string, free_bytes_min: number): Promise<Transform> {
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
