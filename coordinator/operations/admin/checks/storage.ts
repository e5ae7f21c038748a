import { constants, existsSync } from 'node:fs';
import { access, mkdtemp, rmdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../../../base/config.ts';
import { existingAbove } from '../../../base/make-folder.ts';
import { lockDataFolder } from '../../../sqlite/data-lock.ts';
import { WAL_BYTES } from '../../../sqlite/wal-room.ts';
import { folderFault } from '../../folder-fault.ts';
import { ok, problem, type Finding } from './finding.ts';

const MB = 1024 * 1024;
const LOCK_FILE = 'errand.lock';

/** Checks the data folder and the free space on its disk. There is no such disk if the folder cannot be used. */
export async function checkStorage({ data_dir, disk_free_bytes_min }: Config): Promise<Finding[]> {
  const folder = await checkFolder(data_dir);
  if (!folder.ok) return [folder];
  return [folder, await checkRoom(data_dir, disk_free_bytes_min), await checkReserve(data_dir)];
}

async function checkFolder(data_dir: string): Promise<Finding> {
  const there = existsSync(data_dir);
  try {
    // Permissions alone do not tell: the disk may be read-only, or not a disk at all.
    await rmdir(await mkdtemp(join(existingAbove(data_dir), '.errand-doctor-')));
    for (const name of ['errand.db', 'keys.json', LOCK_FILE])
      if (existsSync(join(data_dir, name))) await access(join(data_dir, name), constants.R_OK | constants.W_OK);
    if (!there) return ok('data', `${data_dir} is made at the first start`);
    return ok('data', `${data_dir} can be written${isInUse(data_dir) ? ', and an Errand is running on it' : ''}`);
  } catch (error) {
    const fault = folderFault(data_dir, error);
    if (fault === undefined) throw error;
    return problem('data', fault);
  }
}

/** Whether a server has the lock of the data folder. Creates no lock file: without one, no server ever ran there. */
export function isInUse(data_dir: string): boolean {
  if (!existsSync(join(data_dir, LOCK_FILE))) return false;
  const lock = lockDataFolder(data_dir);
  lock?.release();
  return lock === undefined;
}

async function checkRoom(data_dir: string, free_bytes_min: number): Promise<Finding> {
  const { bavail, bsize } = await statfs(existingAbove(data_dir));
  const free = bavail * bsize;
  const text = `${Math.floor(free / MB)} MB free`;
  if (free >= free_bytes_min) return ok('disk', text);
  return problem(
    'disk',
    `${text}, and errands only start with ${Math.ceil(free_bytes_min / MB)} (ERRAND_DISK_FREE_MB_MIN). Make room, or set ERRAND_DATA to another disk.`,
  );
}

/** The reserve with which cancels and log-ins work on a full disk. A running server has it. */
async function checkReserve(data_dir: string): Promise<Finding> {
  if (!existsSync(data_dir) || !isInUse(data_dir)) return ok('reserve', 'is made while Errand runs');
  const { size, blocks } = await stat(join(data_dir, 'errand.db-wal')).catch(() => ({ size: 0, blocks: 0 }));
  if (size >= WAL_BYTES && blocks * 512 >= WAL_BYTES)
    return ok('reserve', `${Math.floor(WAL_BYTES / MB)} MB for cancels and log-ins on a full disk`);
  return problem(
    'reserve',
    `there is none, so cancels and log-ins would not work on a full disk. Free ${Math.ceil((2 * WAL_BYTES) / MB)} MB, and it is made.`,
  );
}
