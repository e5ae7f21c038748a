import { constants, existsSync } from 'node:fs';
import { access, mkdtemp, rmdir, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Config } from '../../base/config.ts';
import { dataPathFault } from '../../workers/local/worker-directories.ts';
import { ok, problem, type Finding } from './finding.ts';

const MB = 1024 * 1024;

/** Checks the data folder and the free space on its disk. */
export async function checkStorage({ data_dir, disk_free_bytes_min }: Config): Promise<Finding[]> {
  return Promise.all([checkFolder(data_dir), checkRoom(data_dir, disk_free_bytes_min)]);
}

async function checkFolder(data_dir: string): Promise<Finding> {
  const fault = dataPathFault(data_dir);
  if (fault !== null) return problem('data', fault);
  const there = existsSync(data_dir);
  try {
    // Permissions alone do not tell: the disk may be read-only, or not a disk at all.
    await rmdir(await mkdtemp(join(existingAbove(data_dir), '.errand-doctor-')));
    for (const name of ['errand.db', 'keys.json'])
      if (existsSync(join(data_dir, name))) await access(join(data_dir, name), constants.R_OK | constants.W_OK);
    return ok('data', there ? `${data_dir} can be written` : `${data_dir} is made at the first start`);
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    return problem(
      'data',
      `${data_dir} cannot be used: ${cause}. Give the folder, and all that is in it, to the user that Errand runs as, or set ERRAND_DATA to another.`,
    );
  }
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

/** The folder itself, or its nearest parent that exists. */
function existingAbove(path: string): string {
  return existsSync(path) ? path : existingAbove(dirname(path));
}
