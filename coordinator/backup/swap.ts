import { existsSync, readdirSync, rmSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder } from './folder-store.ts';

/** Where a restored database is made ready, in the data folder. */
export const restoreFolder = (data_dir: string): string => join(data_dir, 'restore-work');

const FILES = ['errand.db', 'errand.db-wal', 'errand.db-shm'];
const ASIDE = /^before-restore-\d{8}T\d{6}Z$/;

/**
 * Puts a database in the place of the one that is there, which moves to a folder of its own; gives that folder's name, or null where there was
 * none. The database itself goes first, and what was written to it last (its WAL) after it: killed in between, the two are put together again by moving
 * the one back. Nobody else may have the database open.
 */
export async function swapDatabase(data_dir: string, restored: string, at: Date): Promise<string | null> {
  const found = FILES.filter((name) => existsSync(join(data_dir, name)));
  // What a restore that was killed here left beside belongs to the folder that it had begun.
  const begun = found[0] === 'errand.db' ? undefined : newestAside(data_dir);
  const aside = begun ?? `before-restore-${at.toISOString().replace(/[-:]|\.\d+/g, '')}`;
  if (found.length > 0) {
    await mkdir(join(data_dir, aside), { recursive: true, mode: 0o700 });
    for (const name of found) await rename(join(data_dir, name), join(data_dir, aside, name));
    await syncFolder(join(data_dir, aside));
  }
  await rename(restored, join(data_dir, 'errand.db'));
  await syncFolder(data_dir);
  return found.length > 0 ? aside : null;
}

/**
 * At the server's start: says what to do where a restore was cut off between the old database and the new one, and clears away what one left
 * that was cut off before. Null: all is well.
 */
export function cutOffRestore(data_dir: string): string | null {
  const aside = newestAside(data_dir);
  if (!existsSync(join(data_dir, 'errand.db')) && aside !== undefined)
    return (
      `There is no database in ${data_dir}: a restore was cut off. Run it again (errand restore); or, to have the database of before, move the ` +
      `files of ${join(data_dir, aside)} back to ${data_dir}; or, to begin with an empty one, move that folder elsewhere.`
    );
  rmSync(restoreFolder(data_dir), { recursive: true, force: true });
  return null;
}

function newestAside(data_dir: string): string | undefined {
  return readdirSync(data_dir)
    .filter((name) => ASIDE.test(name))
    .sort()
    .at(-1);
}
