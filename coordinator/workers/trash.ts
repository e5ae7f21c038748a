import { chmodSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from '../base/logger.ts';
import { Periodic } from '../base/periodic.ts';
import { errorCode } from '../base/error-code.ts';
import { listNames, makeParent } from './directories.ts';
import { removeTree } from './remove-tree.ts';
import { newWorkerName } from './worker-name.ts';

const RETRY_MS = 10 * 60_000;

/**
 * The folders of workers that are to be removed: `trash/` in the data folder. A folder is moved there at once, so that
 * its name and its place are free, and is then removed in the background, however long that takes.
 */
export class Trash {
  readonly #dir: string;
  readonly #logger: Logger | undefined;
  readonly #periodic: Periodic;
  readonly #stuck = new Set<string>();
  #emptying: Promise<void> | undefined;

  constructor(data_dir: string, logger?: Logger) {
    this.#dir = join(data_dir, 'trash');
    this.#logger = logger;
    this.#periodic = new Periodic({
      every_ms: RETRY_MS,
      work: () => this.empty(),
      onError: (error) => logger?.error({ err: error }, 'trash removal failed'),
    });
  }

  /** What could not be removed, for people; null: nothing. The text is public, so it does not contain the path. */
  get fault(): string | null {
    const { size } = this.#stuck;
    return size === 0 ? null : `${size} of the folders that ended workers left cannot be removed: see the server's log`;
  }

  /** Removes what an earlier process left, and from time to time tries again what could not be removed. */
  start(): void {
    // Now, while the disk has room for it.
    makeParent(this.#dir);
    void this.#periodic.start();
  }

  async stop(): Promise<void> {
    await this.#periodic.stop();
  }

  /**
   * Takes a folder away. It is gone from its place when this resolves. A missing one is no error. Rejects if it can
   * neither be moved nor removed.
   */
  async take(path: string): Promise<void> {
    makeParent(this.#dir);
    try {
      this.#move(path);
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return;
      this.#logger?.warn({ err: error, path }, 'folder could not be moved to the trash');
      return removeTree(path);
    }
    this.empty().catch((error: unknown) => this.#logger?.error({ err: error }, 'trash removal failed'));
  }

  /**
   * Removes all that was taken, also what comes meanwhile. Resolves when only what is stuck is left. Rejects if the
   * disk does not say what is there.
   */
  empty(): Promise<void> {
    return (this.#emptying ??= this.#empty().finally(() => (this.#emptying = undefined)));
  }

  #move(path: string): void {
    const aside = join(this.#dir, newWorkerName());
    try {
      renameSync(path, aside);
    } catch (error) {
      if (errorCode(error) !== 'EACCES') throw error;
      // A folder that its owner may not write to cannot be moved.
      chmodSync(path, 0o700);
      renameSync(path, aside);
    }
  }

  async #empty(): Promise<void> {
    const tried = new Set<string>();
    for (;;) {
      const name = listNames(this.#dir).find((other) => !tried.has(other));
      if (name === undefined) return;
      tried.add(name);
      try {
        await removeTree(join(this.#dir, name));
        this.#stuck.delete(name);
      } catch (error) {
        this.#stuck.add(name);
        this.#logger?.warn({ err: error }, 'folder of an ended worker could not be removed');
      }
    }
  }
}
