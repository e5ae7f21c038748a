import { constants } from 'node:fs';
import { lstat, open, readlink, realpath, type FileHandle } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { ToolError, type ToolContext } from './tool.ts';

type Folders = Pick<ToolContext, 'repo_dir' | 'scratch_dir'>;

/**
 * The real path of something to read, links resolved. It must be in the repository or in the scratch folder, and it must exist. Paths that are not
 * absolute start at the repository.
 */
export async function pathToRead(path: string, { repo_dir, scratch_dir }: Folders): Promise<string> {
  const wanted = resolve(repo_dir, path);
  const real = await realpath(wanted).catch((error: unknown) => {
    if (isMissing(error)) throw new ToolError(`There is no ${path}. Use list_files or search to find it.`);
    throw error;
  });
  for (const folder of [repo_dir, scratch_dir]) if (isInside(await realpath(folder), real)) return real;
  throw outside(path, wanted === real);
}

/** The real path of a file to write in the repository, which need not exist. Throws where it, or a link on the way to it, leads out. */
export async function pathToWrite(path: string, { repo_dir }: Folders): Promise<string> {
  const root = await realpath(repo_dir);
  const wanted = resolve(root, isAbsolute(path) ? relative(repo_dir, path) : path);
  if (wanted === root) throw new ToolError('That is the repository itself: name a file in it.');
  const real = await realpathOfMissing(wanted);
  if (!isInside(root, real)) throw outside(path, wanted === real);
  return real;
}

/** The real path of the deepest ancestor that exists, and the rest as it is. A link to nowhere is refused: writing would follow it. */
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

/** Opens a regular file to read. Nothing else can be opened: a pipe would wait for ever. */
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

/** The path as the model knows it: from the repository on where it is in there. */
export async function shownPath(real: string, { repo_dir }: Folders): Promise<string> {
  const root = await realpath(repo_dir);
  return isInside(root, real) ? relative(root, real) || '.' : real;
}

function isInside(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

function outside(path: string, direct: boolean): ToolError {
  const how = direct ? 'is' : 'leads';
  return new ToolError(
    `${path} ${how} outside of the repository, where the file tools do not go. Use a path in the repository, or run_command.`,
  );
}
