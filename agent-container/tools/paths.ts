import { constants } from 'node:fs';
import { lstat, open, readlink, realpath, type FileHandle } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { errorCode } from '../base/error-code.ts';
import { ToolError, type ToolContext } from './tool.ts';

type Directories = Pick<ToolContext, 'repo_dir' | 'scratch_dir'>;

/**
 * The real path of something to read, with links resolved. It must exist, in the repository or the scratch directory.
 * Relative paths start at the repository. Throws `ToolError`.
 */
export async function pathToRead(path: string, { repo_dir, scratch_dir }: Directories): Promise<string> {
  const wanted = resolve(repo_dir, path);
  const real = await realpath(wanted).catch((error: unknown) => {
    if (isMissing(error)) throw new ToolError(`There is no ${path}. Use list_files or search to find it.`);
    throw error;
  });
  for (const dir of [repo_dir, scratch_dir]) if (isInside(await realpath(dir), real)) return real;
  throw outsideError(path, wanted === real);
}

/**
 * The real path of a file to write in the repository; it need not exist. Throws `ToolError` if it, or a link, leads
 * out.
 */
export async function pathToWrite(path: string, { repo_dir }: Directories): Promise<string> {
  const root = await realpath(repo_dir);
  const wanted = resolve(root, isAbsolute(path) ? relative(repo_dir, path) : path);
  if (wanted === root) throw new ToolError('That is the repository itself: name a file in it.');
  const real = await realpathOfMissing(wanted);
  if (!isInside(root, real)) throw outsideError(path, wanted === real);
  return real;
}

/**
 * The real path of the deepest ancestor that exists, and the rest as it is. Refuses a dangling link: writing would
 * follow it.
 */
async function realpathOfMissing(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  const target = await readlink(path).catch(() => undefined);
  if (target !== undefined) throw new ToolError(`${path} is a link to ${target}, which does not exist.`);
  return join(await realpathOfMissing(dirname(path)), path.slice(dirname(path).length));
}

/** Opens a regular file to read. Nothing else can be opened: reading a pipe might never end. Throws `ToolError`. */
export async function openFile(real: string): Promise<{ file: FileHandle; size: number }> {
  if ((await lstat(real)).isDirectory())
    throw new ToolError(`${real} is a folder: use list_files to see what is in it.`);
  const file = await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw new ToolError(`${real} is not a regular file, so its content cannot be read.`);
    return { file, size: stats.size };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** The path as the model knows it: relative to the repository if it is inside. */
export async function shownPath(real: string, { repo_dir }: Directories): Promise<string> {
  const root = await realpath(repo_dir);
  return isInside(root, real) ? relative(root, real) || '.' : real;
}

function isInside(dir: string, path: string): boolean {
  return path === dir || path.startsWith(dir.endsWith(sep) ? dir : dir + sep);
}

const isMissing = (error: unknown) => errorCode(error) === 'ENOENT';

function outsideError(path: string, is_direct: boolean): ToolError {
  const verb = is_direct ? 'is' : 'leads';
  return new ToolError(
    `${path} ${verb} outside of the repository, where the file tools do not go. Use a path in the repository, or run_command.`,
  );
}
