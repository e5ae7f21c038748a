import { statfs } from 'node:fs/promises';
import type { Logger } from '../base/logger.ts';
import { Periodic } from '../base/periodic.ts';
import type { DispatchGate } from '../tasks/dispatch-gate.ts';

const MB = 1024 * 1024;
const CHECK_MS = 2_000;
/** A disk that was short has room again once it has so many times what it must have: work does not begin and stop at every file. */
const ROOM_AGAIN = 1.25;
/** How often those who can make room are called while there is too little. */
const CALL_MS = 60_000;
/** A clone is thousands of files, and the server itself needs a few for each worker. */
const FREE_FILES_MIN = 1_000;

export type DiskSpaceDependencies = { dir: string; free_bytes_min: number; gate: DispatchGate; logger: Logger };

/**
 * Looks at the room on the disk of the data folder, and holds new work back while there is little. What is left then is for the work under way,
 * and for the database. Nothing needs a restart: once there is room, work begins again.
 */
export class DiskSpace {
  readonly #dir: string;
  readonly #free_bytes_min: number;
  readonly #gate: DispatchGate;
  readonly #onShort: (() => void)[] = [];
  #called_ms = -Infinity;
  #free_bytes: number | undefined;
  readonly #periodic: Periodic;

  constructor({ dir, free_bytes_min, gate, logger }: DiskSpaceDependencies) {
    this.#dir = dir;
    this.#free_bytes_min = free_bytes_min;
    this.#gate = gate;
    this.#periodic = new Periodic({
      every_ms: CHECK_MS,
      work: () => this.#check(),
      onError: (error) => logger.error({ err: error }, 'disk check failed'),
    });
  }

  /** What was free at the last check; undefined where it is not known. */
  get free_bytes(): number | undefined {
    return this.#free_bytes;
  }

  /** Checks now, and then every two seconds. Resolves with the first check. */
  start(): Promise<void> {
    return this.#periodic.start();
  }

  stop(): Promise<void> {
    return this.#periodic.stop();
  }

  /** Checks now: to be called when a write found no room. Shares a check that is under way. Never rejects. */
  check(): Promise<void> {
    return this.#periodic.run();
  }

  /** Whether there is too little room at this moment. */
  async isShort(): Promise<boolean> {
    await this.check();
    return this.#gate.of('disk') !== null;
  }

  /** Calls `listener` when there has come to be too little room, and every minute while that lasts. */
  onShort(listener: () => void): void {
    this.#onShort.push(listener);
  }

  async #check(): Promise<void> {
    const before = this.#gate.of('disk');
    const fault = await this.#findFault();
    this.#gate.set('disk', fault);
    const now = performance.now();
    if (fault === null || (before !== null && now - this.#called_ms < CALL_MS)) return;
    this.#called_ms = now;
    for (const listener of this.#onShort) listener();
  }

  async #findFault(): Promise<string | null> {
    try {
      const { bavail, bsize, files, ffree } = await statfs(this.#dir);
      this.#free_bytes = bavail * bsize;
      const factor = this.#gate.of('disk') === null ? 1 : ROOM_AGAIN;
      if (this.#free_bytes < this.#free_bytes_min * factor)
        return `The server's disk is nearly full: ${inMB(this.#free_bytes)} free; new errands wait until there are ${inMB(this.#free_bytes_min * ROOM_AGAIN)}.`;
      // Some file systems do not count their files.
      if (files > 0 && ffree < FREE_FILES_MIN * factor)
        return `The server's disk has room for ${ffree} more files; new errands wait until it has room for ${FREE_FILES_MIN * ROOM_AGAIN}.`;
      return null;
    } catch (error) {
      this.#free_bytes = undefined;
      return `The server's disk cannot be looked at: ${error instanceof Error ? error.message : 'unknown'}.`;
    }
  }
}

function inMB(bytes: number): string {
  return `${(bytes / MB).toFixed(bytes < 10 * MB ? 1 : 0)} MB`;
}
