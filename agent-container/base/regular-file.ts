import { constants } from 'node:fs';
import { open, rename, rm, writeFile, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { temporaryName } from './temporary-name.ts';

/*
 * A command runs as the user of the worker, so it can put anything in the place of a file of the worker's: the open()
 * of a pipe there would wait forever, and a link would lead elsewhere.
 */

/**
 * Opens a regular file to read; undefined: it is something else, such as a pipe, which might never end. Follows no link
 * at the end of the path.
 */
export async function openRegularFile(path: Buffer | string): Promise<FileHandle | undefined> {
  // Without O_NONBLOCK the open() of a pipe waits for somebody who writes to it.
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    if ((await file.stat()).isFile()) return file;
  } catch (error) {
    await file.close();
    throw error;
  }
  await file.close();
  return undefined;
}

/** The content of a regular file; undefined: there is none that can be read, or it is larger than this. */
export async function readRegularFile(path: string, bytes_max: number): Promise<Buffer | undefined> {
  const file = await openRegularFile(path).catch(() => undefined);
  if (!file) return undefined;
  try {
    return await readUpTo(file, bytes_max);
  } finally {
    await file.close();
  }
}

/** Puts a file in the place of whatever is there, but a folder. Nobody ever reads half of it. */
export async function replaceFile(path: string, data: Uint8Array | string): Promise<void> {
  const temporary = join(dirname(path), temporaryName());
  try {
    await writeFile(temporary, data, { flag: 'wx' });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/**
 * The content of a file that was just opened; undefined: it is larger than this. Its size does not say so: a command
 * may go on writing the file.
 */
export async function readUpTo(file: FileHandle, bytes_max: number): Promise<Buffer | undefined> {
  // `end` is the last byte that is read: one more than fits.
  const bytes = await buffer(file.createReadStream({ autoClose: false, end: bytes_max }));
  return bytes.length > bytes_max ? undefined : bytes;
}
