import { constants } from 'node:fs';
import { chmod, lstat, mkdir, open, rename, rm } from 'node:fs/promises';
import { pathToText, resolvePath } from '../base/byte-path.ts';
import { temporaryName } from '../base/temporary-name.ts';
import { parentOf } from './paths.ts';
import { ToolError } from './tool.ts';

/**
 * Writes a file through a temporary one in `scratch_dir`, so that nobody ever reads half of it. Keeps the file's mode,
 * and makes missing directories. Returns whether the file is new. Throws `ToolError` if something other than a file is
 * there.
 */
export async function writeAtomically(real: Buffer, data: Uint8Array, scratch_dir: string): Promise<boolean> {
  const before = await lstat(real).catch(() => undefined);
  if (before?.isDirectory()) throw new ToolError(`${pathToText(real)} is a folder.`);
  if (before && !before.isFile())
    throw new ToolError(`${pathToText(real)} is not a regular file, so it cannot be written.`);
  const mode = before && before.mode & 0o7777;
  await mkdir(parentOf(real), { recursive: true });
  // Outside of the repository: a worker that is killed leaves the file, and a commit would have it. But a command may
  // have removed that folder, or put it on another disk.
  await writeThrough(Buffer.from(scratch_dir), real, data, mode).catch(() =>
    writeThrough(parentOf(real), real, data, mode),
  );
  return before === undefined;
}

/** `dir`: where the temporary file is. */
async function writeThrough(dir: Buffer, real: Buffer, data: Uint8Array, mode: number | undefined): Promise<void> {
  const temporary = resolvePath(dir, Buffer.from(temporaryName()));
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  try {
    const file = await open(temporary, flags);
    try {
      await file.writeFile(data);
    } finally {
      await file.close();
    }
    if (mode !== undefined) await chmod(temporary, mode);
    await rename(temporary, real);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
