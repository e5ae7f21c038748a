import { statfsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';

/** What a test's resources need of it: to be told when it ends. A program can be that too. */
export type Ends = Pick<ExecutionContext, 'teardown'>;

const MEMORY = '/dev/shm';
const LEAST_BYTES = 2 * 1024 ** 3;

/**
 * Where files are in memory if it has room: to make and remove many of them takes less CPU time, and nothing waits for
 * a disk. Not for what containers mount: these files would count as their memory.
 */
export const MEMORY_DIR = hasRoom() ? MEMORY : tmpdir();

function hasRoom(): boolean {
  try {
    const { bavail, bsize } = statfsSync(MEMORY);
    return bavail * bsize >= LEAST_BYTES;
  } catch {
    return false;
  }
}

/** A temporary folder that is removed when the test ends. */
export function temporaryFolder(t: Ends): Promise<string> {
  return folderIn(tmpdir(), t);
}

/** The same in `MEMORY_DIR`. */
export function memoryFolder(t: Ends): Promise<string> {
  return folderIn(MEMORY_DIR, t);
}

async function folderIn(parent: string, t: Ends): Promise<string> {
  const folder = await mkdtemp(join(parent, 'errand-test-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
