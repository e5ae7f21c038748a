import { execFile } from 'node:child_process';
import { renameSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { hasCode, listNames, makeParent, makePrivate, type Owner } from './directories.ts';
import { isWorkerName, newWorkerName } from './worker-name.ts';

const run = promisify(execFile);

/** How long it may take to make a tree writable before it is removed. */
const MAKE_WRITABLE_MS = 60_000;

/**
 * The workspaces on this machine: `workspaces/<name>` below the data folder, one per task. A workspace is named after the first worker that
 * had it, and outlives that worker.
 */
export class Workspaces {
  readonly #dir: string;

  constructor(data_dir: string) {
    this.#dir = join(data_dir, 'workspaces');
  }

  /** Where a workspace is, or would be. Throws where this is not the name of one. */
  path(name: string): string {
    if (!isWorkerName(name)) throw new Error(`'${name}' is not the name of a workspace.`);
    return join(this.#dir, name);
  }

  /** Makes a workspace with the folders that a worker expects in it, and gives its path. What exists already stays. */
  make(name: string, owner: Owner): string {
    const dir = this.path(name);
    makeParent(this.#dir);
    // An earlier worker could have replaced an inner folder by a link: those are made, and given away, only with the workspace itself.
    if (makePrivate(dir, owner)) for (const inner of ['home', 'spool']) makePrivate(join(dir, inner), owner);
    return dir;
  }

  /**
   * Renames a workspace in one step and gives the new name, so that whoever opens the old name gets an empty folder and not half a tree.
   * Undefined: it was not there.
   */
  setAside(name: string): string | undefined {
    const aside = newWorkerName();
    try {
      renameSync(this.path(name), this.path(aside));
      return aside;
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return undefined;
      throw error;
    }
  }

  /** Removes a workspace. Links inside are removed, never followed. One that is not there is no error. */
  async remove(name: string): Promise<void> {
    await removeTree(this.path(name));
  }

  /** The names of all workspaces. */
  list(): string[] {
    return listNames(this.#dir).filter(isWorkerName);
  }
}

/** Removes a directory with all that is in it. Links are removed, never followed. */
export async function removeTree(dir: string): Promise<void> {
  const remove = () => rm(dir, { recursive: true, force: true, maxRetries: 3 });
  try {
    await remove();
  } catch (error) {
    if (!hasCode(error, 'EACCES')) throw error;
    // Some tools make read-only folders (Go's module cache), which nobody but root can empty. chmod -R does not follow links. Its failure
    // shows in what follows.
    await run('chmod', ['-Rf', 'u+rwX', '--', dir], { timeout: MAKE_WRITABLE_MS }).catch(() => undefined);
    await remove();
  }
}
