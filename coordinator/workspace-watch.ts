import { execFile } from 'node:child_process';
import type { Holds } from './holds.ts';
import type { Logger } from './logger.ts';

const TICK_MS = 2_000;
/** Between two measurements: each walks through all files of each workspace at work. */
const EVERY_MS = 15_000;
/** The same while the disk is short: somebody fills it. */
const EVERY_WHILE_SHORT_MS = 2_000;
const MEASURE_MS_MAX = 60_000;
const MB = 1024 * 1024;

/** A workspace at work. `tooLarge`: it must go, for the reason in `detail`. */
export type Measured = { task_id: string; dir: string; tooLarge: (detail: string) => void };

/**
 * Measures the workspaces at work, one after the other, at the lowest priority, and ends the work in one that has outgrown its bound: a folder on the
 * data folder's disk has no quota of its own, and what one errand writes must not be what all others lack.
 */
export class WorkspaceWatch {
  readonly #bytes_max: number;
  readonly #holds: Holds;
  readonly #logger: Logger;
  readonly #list: () => Measured[];
  readonly #stopped = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #measuring = false;
  #measured_ms = performance.now();

  constructor(deps: { bytes_max: number; holds: Holds; logger: Logger; list: () => Measured[] }) {
    this.#bytes_max = deps.bytes_max;
    this.#holds = deps.holds;
    this.#logger = deps.logger;
    this.#list = deps.list;
  }

  start(): void {
    this.#timer = setInterval(() => void this.#tick(), TICK_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#stopped.abort();
  }

  async #tick(): Promise<void> {
    const every_ms = this.#holds.of('disk') === null ? EVERY_MS : EVERY_WHILE_SHORT_MS;
    // Timers are not exact, and a tick too early would double the wait.
    if (this.#measuring || performance.now() - this.#measured_ms < every_ms - TICK_MS / 2) return;
    this.#measuring = true;
    for (const measured of this.#list()) if (!this.#stopped.signal.aborted) await this.#measure(measured);
    this.#measured_ms = performance.now();
    this.#measuring = false;
  }

  async #measure({ task_id, dir, tooLarge }: Measured): Promise<void> {
    const bytes = await sizeOf(dir, this.#stopped.signal);
    if (this.#stopped.signal.aborted) return;
    if (bytes === undefined) return this.#logger.warn({ task_id, dir }, 'a workspace could not be measured');
    if (bytes <= this.#bytes_max) return;
    const [has, may] = [bytes, this.#bytes_max].map((size) => `${Math.round(size / MB)} MB`);
    tooLarge(`The workspace has grown to ${has}; the server allows ${may}.`);
  }
}

/** What a folder takes up on its disk, in bytes; undefined where that is not found out in time. */
function sizeOf(dir: string, signal: AbortSignal): Promise<number | undefined> {
  return new Promise((resolve) => {
    const options = { signal, timeout: MEASURE_MS_MAX, maxBuffer: 16 * MB };
    // Files come and go meanwhile: du then ends with a fault, and has measured the others all the same.
    execFile('nice', ['-n', '19', 'du', '-skx', '--', dir], options, (_error, output) => {
      const kilobytes = /^(\d+)\t/m.exec(output)?.[1];
      resolve(kilobytes === undefined ? undefined : Number(kilobytes) * 1024);
    });
  });
}
