import { join } from 'node:path';
import { listNames, makeParent, makePrivate, type Owner } from './directories.ts';
import { Trash } from './trash.ts';
import { isWorkerName } from './worker-name.ts';

/**
 * The workspaces on this machine: `workspaces/<name>` in the data folder, one per task. A workspace has the name of
 * its first worker, and outlives that worker.
 */
export class Workspaces {
  readonly #dir: string;
  readonly #trash: Trash;

  constructor(data_dir: string, trash = new Trash(data_dir)) {
    this.#dir = join(data_dir, 'workspaces');
    this.#trash = trash;
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
   * Takes a workspace away, in this very turn of the event loop: nobody who opens the name afterwards finds a
   * half-removed tree. Its space is free once `emptied` resolves. A missing workspace is no error.
   */
  remove(name: string): Promise<void> {
    return this.#trash.take(this.path(name));
  }

  /** Resolves once what was taken away is removed, as far as it can be. */
  emptied(): Promise<void> {
    return this.#trash.empty();
  }

  /** The names of all workspaces. */
  list(): string[] {
    return listNames(this.#dir).filter(isWorkerName);
  }
}
