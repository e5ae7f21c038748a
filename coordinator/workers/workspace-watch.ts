import { folderSize } from '../base/folder-size.ts';
import type { Logger } from '../base/logger.ts';
import { Periodic } from '../base/periodic.ts';
import type { DispatchGate } from '../tasks/dispatch-gate.ts';

const TICK_MS = 2_000;
/** Between two measurements: each walks through all files of each workspace at work. */
const EVERY_MS = 15_000;
/** The same while the disk is short, since somebody is filling it. */
const EVERY_WHILE_SHORT_MS = 2_000;
const MEASURE_MS_MAX = 60_000;
/** The machine may be overloaded for once: a workspace counts as too large after so many slow measurements in a row. */
const SLOW_MAX = 3;
/** Several times what a large repository has with its dependencies. A disk of 40 GB has 2.5 million inodes, for all workspaces. */
const FILES_MAX = 1_000_000;
const MB = 1024 * 1024;

/** A workspace at work. `dirs`: all folders that its worker writes to. `tooLarge`: to be called with words for its user; it is removed then. */
export type MeasuredWorkspace = { task_id: string; dirs: string[]; tooLarge: (detail: string) => void };

export type WorkspaceWatchDependencies = {
  bytes_max: number;
  gate: DispatchGate;
  attempts: { measured: () => MeasuredWorkspace[] };
  logger: Logger;
};

/**
 * Measures the workspaces at work, one after the other, at low priority, and ends the attempt whose workspace has outgrown its limit: a plain
 * folder has no quota, and one errand must not take the disk from all others.
 *
 * It counts what has a name. Files that a worker has unlinked and keeps open take up disk in no folder: where the disk gets short for that, new
 * work is held (`DiskSpace`), and nothing can be done here.
 */
export class WorkspaceWatch {
  readonly #deps: WorkspaceWatchDependencies;
  readonly #periodic: Periodic;
  #measured_ms = performance.now();
  /** By task: how many measurements in a row took too long. */
  #slow = new Map<string, number>();

  constructor(deps: WorkspaceWatchDependencies) {
    this.#deps = deps;
    this.#periodic = new Periodic({
      every_ms: TICK_MS,
      work: (signal) => this.#tick(signal),
      onError: (error) => deps.logger.error({ err: error }, 'workspace measurement failed'),
    });
  }

  start(): void {
    void this.#periodic.start();
  }

  stop(): Promise<void> {
    return this.#periodic.stop();
  }

  async #tick(signal: AbortSignal): Promise<void> {
    const every_ms = this.#deps.gate.of('disk') === null ? EVERY_MS : EVERY_WHILE_SHORT_MS;
    // Timers are inexact, and a tick that comes too early would double the wait.
    if (performance.now() - this.#measured_ms < every_ms - TICK_MS / 2) return;
    try {
      await this.#measureAll(this.#deps.attempts.measured(), signal);
    } finally {
      this.#measured_ms = performance.now();
    }
  }

  async #measureAll(list: MeasuredWorkspace[], signal: AbortSignal): Promise<void> {
    this.#slow = new Map(list.map(({ task_id }) => [task_id, this.#slow.get(task_id) ?? 0]));
    for (const measured of list) {
      if (signal.aborted) return;
      await this.#measure(measured, signal).catch((error: unknown) => {
        if (signal.aborted) return;
        this.#deps.logger.warn({ err: error, task_id: measured.task_id }, 'workspace measurement failed');
      });
    }
  }

  async #measure({ task_id, dirs, tooLarge }: MeasuredWorkspace, signal: AbortSignal): Promise<void> {
    const within = { within_ms: MEASURE_MS_MAX, signal };
    // At the same time, so that both share what is read from the disk.
    const [bytes, files] = await Promise.all([folderSize('bytes', dirs, within), folderSize('files', dirs, within)]);
    const slow = bytes === Infinity || files === Infinity ? (this.#slow.get(task_id) ?? 0) + 1 : 0;
    this.#slow.set(task_id, slow);
    if (slow > 0) this.#deps.logger.warn({ task_id, times: slow }, 'workspace measurement timed out');
    const fault = slow > 0 && slow < SLOW_MAX ? null : sizeFault({ bytes, files }, this.#deps.bytes_max);
    if (fault !== null && !signal.aborted) tooLarge(fault);
  }
}

/** What is wrong with a workspace of this size, in words for its user, or null. One that cannot be counted may have any size. */
export function sizeFault({ bytes, files }: { bytes: number; files: number }, bytes_max: number): string | null {
  if (bytes === Infinity || files === Infinity)
    return `The workspace has more in it than can be counted within ${MEASURE_MS_MAX / 1000} s.`;
  const inMB = (size: number) => `${Math.round(size / MB)} MB`;
  if (bytes > bytes_max) return `The workspace has grown to ${inMB(bytes)}; the server allows ${inMB(bytes_max)}.`;
  if (files > FILES_MAX) return `The workspace has grown to ${files} files; the server allows ${FILES_MAX}.`;
  return null;
}
