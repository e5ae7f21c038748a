import { statfs } from 'node:fs/promises';
import type { Logger } from '../base/logger.ts';
import { Periodic } from '../base/periodic.ts';
import type { RoomState, WalRoom } from '../sqlite/wal-room.ts';
import type { DispatchGate } from '../tasks/dispatch-gate.ts';

const MB = 1024 * 1024;
const CHECK_MS = 2_000;
/** Hysteresis: after a shortage, dispatch resumes at this multiple of the minimum. */
const RESUME_FACTOR = 1.25;
/** How often the `onShort` listeners are called while the disk is short. */
const CALL_MS = 60_000;
/** The minimum of free inodes: a clone has thousands of files, and the server needs a few per worker. */
const FREE_FILES_MIN = 1_000;

export type DiskSpaceDependencies = {
  dir: string;
  free_bytes_min: number;
  gate: DispatchGate;
  /** The reserve for urgent writes. It is made, and made anew after its use, whenever there is space. */
  room?: Pick<WalRoom, 'keep'>;
  logger: Logger;
};

/**
 * Checks the free space on the data folder's disk, and stops dispatch while it is short. The rest is reserved for
 * running attempts and the database. Dispatch resumes by itself when there is space again.
 */
export class DiskSpace {
  readonly #dir: string;
  readonly #free_bytes_min: number;
  readonly #gate: DispatchGate;
  readonly #room: DiskSpaceDependencies['room'];
  readonly #logger: Logger;
  #reserve: RoomState = { ready: false, low: false };
  readonly #onShort: (() => void)[] = [];
  #called_ms = -Infinity;
  #free_bytes: number | undefined;
  readonly #periodic: Periodic;

  constructor({ dir, free_bytes_min, gate, room, logger }: DiskSpaceDependencies) {
    this.#dir = dir;
    this.#free_bytes_min = free_bytes_min;
    this.#gate = gate;
    this.#room = room;
    this.#logger = logger;
    this.#periodic = new Periodic({
      every_ms: CHECK_MS,
      work: () => this.#check(),
      onError: (error) => logger.error({ err: error }, 'disk check failed'),
    });
  }

  /** Free bytes at the last check; undefined: unknown. */
  get free_bytes(): number | undefined {
    return this.#free_bytes;
  }

  /** The reserve for urgent writes at the last check. */
  get reserve(): RoomState {
    return this.#reserve;
  }

  /** Checks now, and then every two seconds. Resolves after the first check. */
  start(): Promise<void> {
    return this.#periodic.start();
  }

  stop(): Promise<void> {
    return this.#periodic.stop();
  }

  /** Checks now, or joins the check in progress. Call it when a write failed with a full disk. Never rejects. */
  check(): Promise<void> {
    return this.#periodic.run();
  }

  /** Checks now. True: there is too little space. */
  async isShort(): Promise<boolean> {
    await this.check();
    return this.#gate.of('disk') !== null;
  }

  /** Calls `listener` when the disk becomes short, and every minute while it stays so. */
  onShort(listener: () => void): void {
    this.#onShort.push(listener);
  }

  async #check(): Promise<void> {
    const before = this.#gate.of('disk');
    const fault = await this.#findFault();
    this.#gate.set('disk', fault);
    this.#keepReserve();
    const now = performance.now();
    if (fault === null || (before !== null && now - this.#called_ms < CALL_MS)) return;
    this.#called_ms = now;
    for (const listener of this.#onShort) listener();
  }

  #keepReserve(): void {
    if (!this.#room) return;
    const before = this.#reserve;
    try {
      this.#reserve = this.#room.keep();
    } catch (error) {
      this.#reserve = { ready: false, low: before.low };
      this.#logger.warn({ err: error }, 'disk reserve not made');
    }
    if (this.#reserve.low && !before.low) this.#logger.error('disk full: only cancels, log-ins and reading work');
    if (before.low && !this.#reserve.low) this.#logger.info('disk has space again');
  }

  async #findFault(): Promise<string | null> {
    try {
      const { bavail, bsize, files, ffree } = await statfs(this.#dir);
      this.#free_bytes = bavail * bsize;
      const factor = this.#gate.of('disk') === null ? 1 : RESUME_FACTOR;
      if (this.#free_bytes < this.#free_bytes_min * factor)
        return `The server's disk is nearly full: ${inMB(this.#free_bytes)} free; new errands wait until ${inMB(this.#free_bytes_min * RESUME_FACTOR)} are free.`;
      // Some file systems report no inode counts.
      if (files > 0 && ffree < FREE_FILES_MIN * factor)
        return `The server's disk has only ${ffree} free inodes; new errands wait until ${FREE_FILES_MIN * RESUME_FACTOR} are free.`;
      return null;
    } catch (error) {
      this.#free_bytes = undefined;
      return `The free space on the server's disk cannot be read: ${error instanceof Error ? error.message : 'unknown'}.`;
    }
  }
}

function inMB(bytes: number): string {
  return `${(bytes / MB).toFixed(bytes < 10 * MB ? 1 : 0)} MB`;
}
