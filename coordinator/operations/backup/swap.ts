import { existsSync, readFileSync, rmSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { BackupError } from './error.ts';
import { syncFolder } from './folder-store.ts';
import { writeDurably } from './write-durably.ts';

/** Where a restored database is made ready, in the data folder. */
export const restoreFolder = (data_dir: string): string => join(data_dir, 'restore-work');

const FILES = ['errand.db', 'errand.db-wal', 'errand.db-shm'];
const ASIDE = /^before-restore-\d{8}T\d{6}Z(-\d+)?$/;
/** Holds the name of the folder that the database of before is being moved to. It is there for as long as the swap takes. */
const markerOf = (data_dir: string): string => join(data_dir, 'restore-begun');

/**
 * Puts a database in the place of the one that is there, which moves to a folder of its own; gives that folder's name, or null where there was
 * none. The folder is written down first. The database itself goes first, and what was written to it last (its WAL) after it: killed in between, the next
 * run brings the two together again. Nobody else may have the database open.
 */
export async function swapDatabase(data_dir: string, restored: string, at: Date): Promise<string | null> {
  const found = FILES.filter((name) => existsSync(join(data_dir, name)));
  // With the database still there nothing was moved, or all was done but for the marker.
  const begun = found[0] === 'errand.db' ? undefined : readMarker(data_dir);
  const aside = begun ?? (found.length > 0 ? newAside(data_dir, at) : null);
  if (aside !== null) await moveAside(data_dir, found, aside);
  await rename(restored, join(data_dir, 'errand.db'));
  await syncFolder(data_dir);
  await rm(markerOf(data_dir), { force: true });
  return aside;
}

/**
 * At the server's start: says what to do where a restore was cut off between the old database and the new one, and clears away what one left
 * that was cut off before or after. Null: all is well.
 */
export function cutOffRestore(data_dir: string): string | null {
  const aside = readMarker(data_dir);
  if (aside !== undefined && !existsSync(join(data_dir, 'errand.db')))
    return (
      `There is no database in ${data_dir}: a restore was cut off. Run it again (errand restore); or, to have the database of before, move the ` +
      `files of ${join(data_dir, aside)} back to ${data_dir}; or, to begin with an empty one, move that folder elsewhere.`
    );
  rmSync(markerOf(data_dir), { force: true });
  rmSync(restoreFolder(data_dir), { recursive: true, force: true });
  return null;
}

async function moveAside(data_dir: string, found: string[], aside: string): Promise<void> {
  await writeDurably(markerOf(data_dir), `${aside}\n`);
  const folder = join(data_dir, aside);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await syncFolder(data_dir);
  for (const name of found) {
    if (existsSync(join(folder, name)))
      throw new BackupError(`${join(data_dir, name)} cannot be moved to ${folder}: there is one already.`);
    await rename(join(data_dir, name), join(folder, name));
  }
  await syncFolder(folder);
}

/** A name that no folder has. */
function newAside(data_dir: string, at: Date): string {
  const name = `before-restore-${at.toISOString().replace(/[-:]|\.\d+/g, '')}`;
  let free = name;
  for (let n = 2; existsSync(join(data_dir, free)); n++) free = `${name}-${n}`;
  return free;
}

/** The folder that was begun. Undefined: none was, or it was taken elsewhere. */
function readMarker(data_dir: string): string | undefined {
  const path = markerOf(data_dir);
  const name = existsSync(path) ? readFileSync(path, 'utf8').trim() : '';
  return ASIDE.test(name) && existsSync(join(data_dir, name)) ? name : undefined;
}
