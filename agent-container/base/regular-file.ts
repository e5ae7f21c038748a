import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';

/**
 * Opens a regular file to read; undefined: it is something else, such as a pipe, which might never end. Follows no link
 * at the end of the path.
 */
export async function openRegularFile(path: Buffer | string): Promise<{ file: FileHandle; size: number } | undefined> {
  // Without O_NONBLOCK the open() of a pipe waits for somebody who writes to it.
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stats = await file.stat();
    if (stats.isFile()) return { file, size: stats.size };
  } catch (error) {
    await file.close();
    throw error;
  }
  await file.close();
  return undefined;
}

/** The content of a regular file; undefined: there is none that can be read, or it is larger than this. */
export async function readRegularFile(path: string, bytes_max: number): Promise<Buffer | undefined> {
  const opened = await openRegularFile(path).catch(() => undefined);
  if (!opened) return undefined;
  try {
    return opened.size > bytes_max ? undefined : await opened.file.readFile();
  } finally {
    await opened.file.close();
  }
}
