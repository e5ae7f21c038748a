import { lstat, readlink, realpath, type FileHandle } from 'node:fs/promises';
import { isInside, pathToText, relativePath, resolvePath, textToPath } from '../base/byte-path.ts';
import { errorCode } from '../base/error-code.ts';
import { openRegularFile } from '../base/regular-file.ts';
import { ToolError, type ToolContext } from './tool.ts';

type Directories = Pick<ToolContext, 'repo_dir' | 'other_dirs'>;
type Readable = Directories & Pick<ToolContext, 'scratch_dir' | 'read_dirs'>;

/**
 * The real path of something to read, with links resolved. It must exist, in a repository, the scratch directory or one
 * of `read_dirs`. Relative paths start at the first repository. Throws `ToolError`.
 */
export async function pathToRead(path: string, directories: Readable): Promise<Buffer> {
  const { repo_dir, other_dirs, scratch_dir, read_dirs } = directories;
  const wanted = resolvePath(Buffer.from(repo_dir), textToPath(path));
  const real = await realpath(wanted, 'buffer').catch((error: unknown) => {
    if (isMissing(error)) throw new ToolError(`There is no ${path}. Use list_files or search to find it.`);
    throw error;
  });
  for (const dir of [repo_dir, ...other_dirs, scratch_dir, ...read_dirs])
    if (isInside(await realFolder(dir), real)) return real;
  throw outsideError(path, wanted.equals(real));
}

/**
 * The real path of a file to write in a repository; it need not exist. Throws `ToolError` if it, or a link, leads
 * out.
 */
export async function pathToWrite(path: string, { repo_dir, other_dirs }: Directories): Promise<Buffer> {
  const asked = resolvePath(Buffer.from(repo_dir), textToPath(path));
  const dirs = [repo_dir, ...other_dirs].map((dir) => Buffer.from(dir));
  const roots = await Promise.all(dirs.map(realFolder));
  const at = dirs.findIndex((dir) => isInside(dir, asked));
  const [given, root] = [dirs[at], roots[at]];
  // The way to the folder may lead through a link.
  const wanted = given && root ? resolvePath(root, relativePath(given, asked)) : asked;
  if (roots.some((each) => wanted.equals(each)))
    throw new ToolError('That is the repository itself: name a file in it.');
  const real = await realpathOfMissing(wanted);
  if (!roots.some((each) => isInside(each, real))) throw outsideError(path, wanted.equals(real));
  return real;
}

/**
 * The real path of a folder. A link that a command has put in the folder's place is not followed: it may lead anywhere.
 */
async function realFolder(dir: Buffer | string): Promise<Buffer> {
  const path = Buffer.from(dir);
  const parent = parentOf(path);
  const real = await realpath(parent, 'buffer').catch(() => parent);
  return resolvePath(real, path.subarray(path.lastIndexOf('/') + 1));
}

/**
 * The real path of the deepest ancestor that exists, and the rest as it is. Refuses a dangling link: writing would
 * follow it.
 */
async function realpathOfMissing(path: Buffer): Promise<Buffer> {
  try {
    return await realpath(path, 'buffer');
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  const target = await readlink(path, 'buffer').catch(() => undefined);
  if (target !== undefined)
    throw new ToolError(`${pathToText(path)} is a link to ${pathToText(target)}, which does not exist.`);
  const name = path.subarray(path.lastIndexOf('/') + 1);
  return resolvePath(await realpathOfMissing(parentOf(path)), name);
}

/** The directory that a file is in. */
export function parentOf(path: Buffer): Buffer {
  return path.subarray(0, Math.max(1, path.lastIndexOf('/')));
}

/** Opens a regular file to read. Nothing else can be opened: reading a pipe might never end. Throws `ToolError`. */
export async function openFile(real: Buffer | string): Promise<FileHandle> {
  const shown = pathToText(Buffer.from(real));
  if ((await lstat(real)).isDirectory())
    throw new ToolError(`${shown} is a folder: use list_files to see what is in it.`);
  const file = await openRegularFile(real);
  if (!file) throw new ToolError(`${shown} is not a regular file, so its content cannot be read.`);
  return file;
}

/** The path as the model knows it: relative to the repository if it is inside. */
export async function shownPath(real: Buffer, { repo_dir }: Directories): Promise<string> {
  const root = await realFolder(repo_dir);
  return isInside(root, real) ? pathToText(relativePath(root, real)) || '.' : pathToText(real);
}

const isMissing = (error: unknown) => errorCode(error) === 'ENOENT';

function outsideError(path: string, is_direct: boolean): ToolError {
  const verb = is_direct ? 'is' : 'leads';
  return new ToolError(
    `${path} ${verb} outside of the repository, where the file tools do not go. Use a path in the repository, or run_command.`,
  );
}
