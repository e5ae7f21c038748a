import { existsSync, rmSync, writeFileSync } from 'node:fs';

/** Enough for the events that report a full disk. */
const RESERVE_BYTES = 2 * 1024 * 1024;

/**
 * A file that holds disk space free. When a command has filled the disk, releasing it makes room for the events that
 * report this, so that the agent can react and delete what it wrote.
 */
export class DiskReserve {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** Takes the space, unless it is taken already or there is none. */
  acquire(): void {
    try {
      if (!existsSync(this.#path)) writeFileSync(this.#path, Buffer.alloc(RESERVE_BYTES), { flag: 'wx' });
    } catch {
      // The disk is full: a part of the reserve is of no use.
      this.release();
    }
  }

  /** Gives the space back to the disk. Returns whether there was any. */
  release(): boolean {
    const existed = existsSync(this.#path);
    rmSync(this.#path, { force: true });
    return existed;
  }
}
