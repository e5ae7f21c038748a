import { folderSize } from '../base/folder-size.ts';
import type { DispatchGate } from '../tasks/dispatch-gate.ts';
import type { Logger } from '../base/logger.ts';

const TICK_MS = 2_000;
/** Between two measurements: each walks through all files of each workspace at work. */
const EVERY_MS = 15_000;
/** The same while the disk is short: somebody fills it. */
const EVERY_WHILE_SHORT_MS = 2_000;
const MEASURE_MS_MAX = 60_000;
/** A machine may be out of breath for once: so often in a row a workspace was not to be counted before that is held against it. */
const SLOW_MAX = 3;
/** Several times what a large repository and its dependencies have; a disk of 40 GB has two and a half million inodes, for all workspaces. */
const FILES_MAX = 1_000_000;
const MB = 1024 * 1024;

/** A workspace at work: `dirs` are all the folders that its worker writes to. `tooLarge`: it must go, for the reason in `detail`. */
export type Measured = { task_id: string; dirs: string[]; tooLarge: (detail: string) => void };

/**
 * Measures the workspaces at work, one after the other, at low priority, and ends the work in one that has outgrown its bound: a folder on the
 * data folder's disk has no quota of its own, and what one errand writes must not be what all others lack.
 *
 * It counts what has a name. What a worker has unlinked and keeps open is on the disk and in no folder: where the disk is short for that, new work
 * is held back (`DiskSpace`), and nothing can be done here.
 */
export class WorkspaceWatch {
  readonly #bytes_max: number;
  readonly #gate: DispatchGate;
  readonly #logger: Logger;
  readonly #list: () => Measured[];
  readonly #stopped = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #measuring = false;
  #measured_ms = performance.now();
  /** How often in a row the workspaces of these tasks took too long to be counted. */
  #slow = new Map<string, number>();

  constructor(deps: { bytes_max: number; gate: DispatchGate; logger: Logger; list: () => Measured[] }) {
    this.#bytes_max = deps.bytes_max;
    this.#gate = deps.gate;
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
    const every_ms = this.#gate.of('disk') === null ? EVERY_MS : EVERY_WHILE_SHORT_MS;
    // Timers are not exact, and a tick too early would double the wait.
    if (this.#measuring || performance.now() - this.#measured_ms < every_ms - TICK_MS / 2) return;
    this.#measuring = true;
    try {
      await this.#measureAll(this.#list());
    } finally {
      this.#measured_ms = performance.now();
      this.#measuring = false;
    }
  }

  async #measureAll(list: Measured[]): Promise<void> {
    this.#slow = new Map(list.map(({ task_id }) => [task_id, this.#slow.get(task_id) ?? 0]));
    for (const measured of list) {
      if (this.#stopped.signal.aborted) return;
      await this.#measure(measured).catch((error: unknown) => {
        // No process can be started just now, say. It is tried again.
        if (this.#stopped.signal.aborted) return;
        this.#logger.warn({ err: error, task_id: measured.task_id }, 'a workspace could not be measured');
      });
    }
  }

  async #measure({ task_id, dirs, tooLarge }: Measured): Promise<void> {
    const within = { within_ms: MEASURE_MS_MAX, signal: this.#stopped.signal };
    // At the same time: what one of them reads from the disk the other need not.
    const [bytes, files] = await Promise.all([folderSize('bytes', dirs, within), folderSize('files', dirs, within)]);
    const slow = bytes === Infinity || files === Infinity ? (this.#slow.get(task_id) ?? 0) + 1 : 0;
    this.#slow.set(task_id, slow);
    if (slow > 0) this.#logger.warn({ task_id, times: slow }, 'a workspace took too long to be counted');
    const fault = slow > 0 && slow < SLOW_MAX ? null : sizeFault({ bytes, files }, this.#bytes_max);
    if (fault !== null && !this.#stopped.signal.aborted) tooLarge(fault);
  }
}

/** What is wrong with a workspace of this size, in words for its errand's user, or null. One that cannot be counted could have any size. */
export function sizeFault({ bytes, files }: { bytes: number; files: number }, bytes_max: number): string | null {
  if (bytes === Infinity || files === Infinity)
    return `The workspace has more in it than can be counted within ${MEASURE_MS_MAX / 1000} s.`;
  const inMB = (size: number) => `${Math.round(size / MB)} MB`;
  if (bytes > bytes_max) return `The workspace has grown to ${inMB(bytes)}; the server allows ${inMB(bytes_max)}.`;
  if (files > FILES_MAX) return `The workspace has grown to ${files} files; the server allows ${FILES_MAX}.`;
  return null;
}
