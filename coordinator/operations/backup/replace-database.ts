import { existsSync, readFileSync, rmSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { BackupError } from './error.ts';
import { syncFolder } from './folder-store.ts';
import { writeAtomically } from './write-atomically.ts';

/** The folder in the data folder where a restore prepares its database. */
export const restoreFolder = (data_dir: string): string => join(data_dir, 'restore-work');

const FILES = ['errand.db', 'errand.db-wal', 'errand.db-shm'];
const PREVIOUS = /^before-restore-\d{8}T\d{6}Z(-\d+)?$/;
/** A file with the name of the folder that the previous database moves to. It exists while the database is replaced. */
const markerOf = (data_dir: string): string => join(data_dir, 'restore-begun');

/**
 * Replaces the database of a data folder. The previous one moves to a folder of its own. Returns the name of that
 * folder, or null if there was no database. No other process may have the database open.
 *
 * A run that is killed can be repeated: the folder's name is written down first, the database moves before its WAL,
 * and the next run moves what is left to the same folder.
 */
export async function replaceDatabase(data_dir: string, restored: string, at: Date): Promise<string | null> {
  const found = FILES.filter((name) => existsSync(join(data_dir, name)));
  // If errand.db is there, either no file was moved yet, or only the marker is left to remove.
  const begun = found[0] === 'errand.db' ? undefined : readMarker(data_dir);
  const previous = begun ?? (found.length > 0 ? newFolderName(data_dir, at) : null);
  if (previous !== null) await moveFiles(data_dir, found, previous);
  await rename(restored, join(data_dir, 'errand.db'));
  await syncFolder(data_dir);
  await rm(markerOf(data_dir), { force: true });
  return previous;
}

/**
 * For the start of the server. If a restore was interrupted after it moved the previous database, returns what to do.
 * Otherwise removes what an interrupted restore left, and returns null.
 */
export function checkInterruptedRestore(data_dir: string): string | null {
  const previous = readMarker(data_dir);
  if (previous !== undefined && !existsSync(join(data_dir, 'errand.db')))
    return (
      `There is no database in ${data_dir}: a restore was interrupted. Run it again (errand restore). ` +
      `Or, to keep the previous database, move the files of ${join(data_dir, previous)} back to ${data_dir}. ` +
      'Or, to begin with an empty database, move that folder elsewhere.'
    );
  rmSync(markerOf(data_dir), { force: true });
  rmSync(restoreFolder(data_dir), { recursive: true, force: true });
  return null;
}

async function moveFiles(data_dir: string, found: string[], previous: string): Promise<void> {
  await writeAtomically(markerOf(data_dir), `${previous}\n`);
  const folder = join(data_dir, previous);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await syncFolder(data_dir);
  for (const name of found) {
    if (existsSync(join(folder, name)))
      throw new BackupError(`${join(data_dir, name)} cannot be moved to ${folder}: there is one already.`);
    await rename(join(data_dir, name), join(folder, name));
  }
  await syncFolder(folder);
}

/** A name that no folder has yet. */
function newFolderName(data_dir: string, at: Date): string {
  const name = `before-restore-${at.toISOString().replace(/[-:]|\.\d+/g, '')}`;
  let free = name;
  for (let n = 2; existsSync(join(data_dir, free)); n++) free = `${name}-${n}`;
  return free;
}

/** The folder of the interrupted restore. Undefined: none was interrupted, or its folder was moved elsewhere. */
function readMarker(data_dir: string): string | undefined {
  const path = markerOf(data_dir);
  const name = existsSync(path) ? readFileSync(path, 'utf8').trim() : '';
  return PREVIOUS.test(name) && existsSync(join(data_dir, name)) ? name : undefined;
}
