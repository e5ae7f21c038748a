import { constants } from 'node:fs';
import { chmod, lstat, mkdir, open, rename, rm } from 'node:fs/promises';
import { pathToText, resolvePath } from '../base/byte-path.ts';
import { temporaryName } from '../base/temporary-name.ts';
import { parentOf } from './paths.ts';
import { ToolError } from './tool.ts';

/**
 * Writes a file through a temporary one, so that nobody ever reads half of it. Keeps the file's mode, and makes missing
 * directories. Returns whether the file is new. Throws `ToolError` if something other than a file is there.
 */
export async function writeAtomically(real: Buffer, data: Uint8Array): Promise<boolean> {
  const before = await lstat(real).catch(() => undefined);
  if (before?.isDirectory()) throw new ToolError(`${pathToText(real)} is a folder.`);
  if (before && !before.isFile())
    throw new ToolError(`${pathToText(real)} is not a regular file, so it cannot be written.`);
  const dir = parentOf(real);
  await mkdir(dir, { recursive: true });
  const temporary = resolvePath(dir, Buffer.from(temporaryName()));
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  try {
    const file = await open(temporary, flags);
    try {
      await file.writeFile(data);
    } finally {
      await file.close();
    }
    if (before) await chmod(temporary, before.mode & 0o7777);
    await rename(temporary, real);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  return before === undefined;
}
