import { closeSync, fdatasync, openSync, statfsSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Db } from './database.ts';

/**
 * From this many frames on, SQLite copies the WAL into the database within a commit, and waits for the disk. With its
 * default of 1,000 a busy server spends a quarter of its time there. Many workers write to the same pages, which are
 * copied once.
 */
export const CHECKPOINT_FRAMES = 4000;
/**
 * The size of the WAL: as many frames as two segments of its shared-memory index have room for, so that the index
 * need not grow either. Half of it is free after a checkpoint is due: for urgent writes, should the disk be full. A
 * burst or a long read makes the WAL longer; SQLite cuts it to this size afterwards.
 */
export const WAL_BYTES = 32 + (4062 + 4096) * (24 + 4096);
/**
 * How long `isLow` reuses its last answer, so that it costs most writes nothing. The WAL has the blocks for what is
 * written meanwhile: 16 MB of it are free.
 */
const LOW_KNOWN_MS = 100;
const ZEROS = Buffer.alloc(1024 * 1024);

/** The state of the reserve for urgent writes. `ready`: it has its full size. `low`: all other writes are refused. */
export type RoomState = { ready: boolean; low: boolean };

/**
 * The reserve for a full disk. The WAL keeps its full size, with blocks of the disk, whether or not they are in use:
 * SQLite overwrites it in place, so writes need no free space. A file that is deleted when the disk is full would free
 * its blocks for whoever takes them first, such as the worker that filled the disk.
 *
 * Once less than the size of the WAL is free, only urgent writes may use it (`EventLog.write`).
 */
export class WalRoom {
  readonly #db: Db;
  readonly #free_bytes_min: number;
  #low = { at_ms: -Infinity, is: false };

  /** `free_bytes_min`: less free space than this is low, if the WAL is larger than this. */
  constructor(db: Db, free_bytes_min: number) {
    this.#db = db;
    this.#free_bytes_min = Math.min(free_bytes_min, WAL_BYTES);
  }

  /** Whether the disk has so little free space that only urgent writes may go on. */
  isLow(): boolean {
    const now = performance.now();
    if (now - this.#low.at_ms > LOW_KNOWN_MS) this.#low = { at_ms: now, is: this.#readLow() };
    return this.#low.is;
  }

  /** Grows the WAL to its full size, unless that would fill the disk. Call it outside of a transaction. */
  keep(): RoomState {
    const low = this.#readLow();
    const path = `${this.#db.name}-wal`;
    const bytes = statSync(path, { throwIfNoEntry: false })?.size;
    if (bytes === undefined || bytes >= WAL_BYTES) return { ready: bytes !== undefined, low };
    const fits = freeBytes(this.#db) - (WAL_BYTES - bytes) > this.#free_bytes_min;
    if (!fits || this.#db.inTransaction) return { ready: false, low };
    grow(path, bytes);
    return { ready: true, low };
  }

  #readLow(): boolean {
    return freeBytes(this.#db) < this.#free_bytes_min;
  }
}

/** In this one turn of the event loop nobody else writes: the zeros come after the newest frame, as old frames do. */
function grow(path: string, from: number): void {
  const wal = openSync(path, 'r+');
  try {
    for (let at = from; at < WAL_BYTES;) at += writeSync(wal, ZEROS, 0, Math.min(ZEROS.length, WAL_BYTES - at), at);
  } finally {
    fdatasync(wal, () => closeSync(wal));
  }
}

function freeBytes(db: Db): number {
  const { bavail, bsize } = statfsSync(dirname(db.name));
  return bavail * bsize;
}
