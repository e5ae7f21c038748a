import { realpath } from 'node:fs/promises';
import { sep } from 'node:path';
import { readUpTo } from '../base/regular-file.ts';
import { openFile } from './paths.ts';

const FILE_BYTES_MAX = 256 * 1024;

/** A path with its links resolved; undefined: there is nothing, or it is outside of `root`, which has no links. */
export async function realPathInside(root: string, path: string): Promise<string | undefined> {
  const real = await realpath(path).catch(() => undefined);
  return real?.startsWith(root + sep) === true ? real : undefined;
}

/** The text of a file, by its path without links; undefined: it is no file, cannot be read or is too large. */
export async function readText(real: string): Promise<string | undefined> {
  try {
    const file = await openFile(real);
    try {
      return (await readUpTo(file, FILE_BYTES_MAX))?.toString();
    } finally {
      await file.close();
    }
  } catch {
    return undefined;
  }
}
