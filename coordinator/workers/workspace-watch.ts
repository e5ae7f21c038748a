import { folderSize } from '../base/folder-size.ts';
import type { Logger } from '../base/logger.ts';
import { Periodic } from '../base/periodic.ts';
import type { DispatchGate } from '../tasks/dispatch-gate.ts';

const TICK_MS = 2_000;
/** Between two measurements. Each one walks through all files of all workspaces in use. */
const EVERY_MS = 15_000;
/** The same while the disk is nearly full. */
const EVERY_WHILE_SHORT_MS = 2_000;
const MEASURE_MS_MAX = 60_000;
/** After so many timed-out measurements in a row a workspace counts as too large. One may be due to a busy machine. */
const SLOW_MAX = 3;
/**
 * Several times the files of a large repository with its dependencies. A disk of 40 GB has 2.5 million inodes, for
 * all workspaces.
 */
const FILES_MAX = 1_000_000;
const MB = 1024 * 1024;

/**
 * A workspace in use. `dirs`: all folders that its worker writes to. `tooLarge`: ends the attempt and removes the
 * workspace; called with a sentence for its user.
 */
export type MeasuredWorkspace = { task_id: string; dirs: string[]; tooLarge: (detail: string) => void };

export type WorkspaceWatchDependencies = {
  bytes_max: number;
  gate: DispatchGate;
  attempts: { measured: () => MeasuredWorkspace[] };
  logger: Logger;
};

/**
 * Measures the workspaces in use, one after the other, at low priority. It ends the attempt whose workspace exceeds
 * its limit: a plain folder has no quota, and one errand must not fill the disk for all others.
 *
 * It does not see files that a worker has unlinked but keeps open. If these fill the disk, `DiskSpace` stops the
 * dispatch of new work.
 */
export class WorkspaceWatch {
  readonly #deps: WorkspaceWatchDependencies;
  readonly #periodic: Periodic;
  #measured_ms = performance.now();
  /** By task: how many measurements in a row timed out. */
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
    // Timers are inexact, and a tick that comes slightly too early would double the interval.
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
    // In parallel, so that both use the same disk cache.
    const [bytes, files] = await Promise.all([folderSize('bytes', dirs, within), folderSize('files', dirs, within)]);
    const slow = bytes === Infinity || files === Infinity ? (this.#slow.get(task_id) ?? 0) + 1 : 0;
    this.#slow.set(task_id, slow);
    if (slow > 0) this.#deps.logger.warn({ task_id, times: slow }, 'workspace measurement timed out');
    const fault = slow > 0 && slow < SLOW_MAX ? null : sizeFault({ bytes, files }, this.#deps.bytes_max);
    if (fault !== null && !signal.aborted) tooLarge(fault);
  }
}

/**
 * Why a workspace of this size is too large, as a sentence for its user; null if it is not. `Infinity`: the
 * measurement timed out.
 */
export function sizeFault({ bytes, files }: { bytes: number; files: number }, bytes_max: number): string | null {
  if (bytes === Infinity || files === Infinity)
    return `The workspace has too many files to measure within ${MEASURE_MS_MAX / 1000} s.`;
  const inMB = (size: number) => `${Math.round(size / MB)} MB`;
  if (bytes > bytes_max) return `The workspace has grown to ${inMB(bytes)}; the server allows ${inMB(bytes_max)}.`;
  if (files > FILES_MAX) return `The workspace has grown to ${files} files; the server allows ${FILES_MAX}.`;
  return null;
}
