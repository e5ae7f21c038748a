import { execFile } from 'node:child_process';
import { renameSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { hasCode, listNames, makeParent, makePrivate, type Owner } from './directories.ts';
import { isWorkerName, newWorkerName } from './worker-name.ts';

const run = promisify(execFile);

/** How long `chmod` may take before a tree is removed. */
const MAKE_WRITABLE_MS = 60_000;

/**
 * The workspaces on this machine: `workspaces/<name>` in the data folder, one per task. A workspace has the name of
 * its first worker, and outlives that worker.
 */
export class Workspaces {
  readonly #dir: string;

  constructor(data_dir: string) {
    this.#dir = join(data_dir, 'workspaces');
  }

  /** The path of a workspace, whether it exists or not. Throws if the name is not valid. */
  path(name: string): string {
    if (!isWorkerName(name)) throw new Error(`'${name}' is not the name of a workspace.`);
    return join(this.#dir, name);
  }

  /** Makes a workspace with the folders that a worker expects in it, unless it exists. Returns its path. */
  make(name: string, owner: Owner): string {
    const dir = this.path(name);
    makeParent(this.#dir);
    // An earlier worker could have replaced an inner folder by a link, so inner folders are made only together with a
    // new workspace.
    if (makePrivate(dir, owner)) for (const inner of ['home', 'spool']) makePrivate(join(dir, inner), owner);
    return dir;
  }

  /**
   * Renames a workspace atomically and returns the new name, so that nobody who opens the old name finds a
   * half-removed tree. Undefined if it does not exist.
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

  /** Removes a workspace. Links inside are removed, never followed. A missing workspace is no error. */
  async remove(name: string): Promise<void> {
    await removeTree(this.path(name));
  }

  /** The names of all workspaces. */
  list(): string[] {
    return listNames(this.#dir).filter(isWorkerName);
  }
}

/** Removes a directory with everything in it. Links are removed, never followed. */
export async function removeTree(dir: string): Promise<void> {
  const remove = () => rm(dir, { recursive: true, force: true, maxRetries: 3 });
  try {
    await remove();
  } catch (error) {
    if (!hasCode(error, 'EACCES')) throw error;
    // Some tools make read-only folders (Go's module cache), which only root can empty. chmod -R does not follow
    // links. If it fails, the removal below fails too.
    await run('chmod', ['-Rf', 'u+rwX', '--', dir], { timeout: MAKE_WRITABLE_MS }).catch(() => undefined);
    await remove();
  }
}
