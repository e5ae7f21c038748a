import { statfs } from 'node:fs/promises';
import { folderSize } from '../base/folder-size.ts';
import type { Logger } from '../base/logger.ts';
import { Periodic } from '../base/periodic.ts';
import type { DispatchGate } from '../tasks/dispatch-gate.ts';
import { HiddenWrites } from './hidden-writes.ts';

const TICK_MS = 2_000;
/** Between two measurements. Each one walks through all files of all workspaces in use. */
const EVERY_MS = 15_000;
/** The same while the disk is nearly full. */
const EVERY_WHILE_SHORT_MS = 2_000;
const MEASURE_MS_MAX = 60_000;
/**
 * After this many timed-out measurements in a row a workspace counts as too large. One may be due to a busy machine.
 */
const SLOW_MAX = 3;
/** After this many failed measurements in a row, for whatever reason, a worker is suspected of hidden files. */
const MISSED_MAX = 3;
/**
 * Several times the files of a large repository with its dependencies. A disk of 40 GB has 2.5 million inodes, for
 * all workspaces.
 */
const FILES_MAX = 1_000_000;
/** While the disk is short, a worker may hide this share of what its workspace may take. */
const HIDDEN_SHARE_WHILE_SHORT = 1 / 10;
const MB = 1024 * 1024;

/** `visible`: the size of the folders; undefined: they could not be measured, or are too large. */
type Sized = { measured: MeasuredWorkspace; visible: number | undefined };

/**
 * A workspace in use. `key`: its attempt. `dirs`: all folders that its worker writes to. `written`: what the worker has
 * written to disks so far, in bytes; undefined: unknown. `tooLarge`: ends the attempt and removes the workspace; called
 * with a sentence for its user.
 */
export type MeasuredWorkspace = {
  task_id: string;
  key: object;
  dirs: string[];
  written: () => Promise<number | undefined>;
  tooLarge: (detail: string) => void;
};

export type WorkspaceWatchDependencies = {
  bytes_max: number;
  gate: DispatchGate;
  attempts: { measured: () => MeasuredWorkspace[] };
  logger: Logger;
};

/**
 * Measures the workspaces in use, one after the other, at low priority. It ends the attempt whose workspace exceeds
 * its limit: a plain folder has no quota, and one errand must not fill the disk for all others. Files that a worker has
 * unlinked but keeps open count too, as far as it can be told who has them (`HiddenWrites`).
 */
export class WorkspaceWatch {
  readonly #deps: WorkspaceWatchDependencies;
  readonly #periodic: Periodic;
  #measured_ms = performance.now();
  /** By task: how many measurements in a row timed out. */
  #slow = new Map<string, number>();
  /** By task: how many measurements in a row gave no size. */
  #missed = new Map<string, number>();
  readonly #hidden = new HiddenWrites();
  /** The attempts whose writes could not be counted. */
  readonly #uncounted = new WeakSet<object>();

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
    const countsOf = (counts: Map<string, number>) =>
      new Map(list.map(({ task_id }) => [task_id, counts.get(task_id) ?? 0]));
    this.#slow = countsOf(this.#slow);
    this.#missed = countsOf(this.#missed);
    const sizes: Sized[] = [];
    for (const measured of list) {
      const { task_id } = measured;
      const visible = await this.#measure(measured, signal).catch((error: unknown) => {
        if (!signal.aborted) this.#deps.logger.warn({ err: error, task_id }, 'workspace measurement failed');
        return undefined;
      });
      if (signal.aborted) return;
      this.#missed.set(task_id, visible === undefined ? (this.#missed.get(task_id) ?? 0) + 1 : 0);
      sizes.push({ measured, visible });
    }
    await this.#blame(sizes, signal).catch((error: unknown) => {
      if (!signal.aborted) this.#deps.logger.warn({ err: error }, 'measurement of hidden files failed');
    });
  }

  /**
   * Ends the attempts that exceed their limit with files that no folder shows. One that could not be measured may have
   * all that it has written: the others are blamed for the rest, and it is blamed itself once its measurement has
   * failed repeatedly.
   */
  async #blame(sizes: Sized[], signal: AbortSignal): Promise<void> {
    const [first] = sizes;
    if (!first) return;
    const writers = await Promise.all(
      sizes.map(async ({ measured, visible }) => ({
        key: measured.key,
        visible,
        written: await this.#count(measured),
        is_excused: visible === undefined && (this.#missed.get(measured.task_id) ?? 0) < MISSED_MAX,
        tooLarge: measured.tooLarge,
      })),
    );
    const { blocks, bfree, bsize } = await statfs(first.measured.dirs[0] ?? '/');
    const all_hidden = this.#hidden.measure((blocks - bfree) * bsize, writers);
    const is_short = this.#deps.gate.of('disk') !== null;
    for (const { key, visible, tooLarge } of writers.filter(({ is_excused }) => !is_excused)) {
      const fault = hiddenFault({ visible, hidden: all_hidden.get(key) ?? 0, is_short }, this.#deps.bytes_max);
      if (fault !== null && !signal.aborted) tooLarge(fault);
    }
  }

  /**
   * How much a worker has written, in bytes; undefined: unknown. Each worker for which it is unknown is logged once.
   */
  async #count({ task_id, key, written }: MeasuredWorkspace): Promise<number | undefined> {
    const bytes = await written().catch(() => undefined);
    if (bytes === undefined && !this.#uncounted.has(key)) {
      this.#uncounted.add(key);
      this.#deps.logger.warn(
        { task_id },
        'writes of a worker cannot be counted; what the disk loses counts as written by it',
      );
    }
    return bytes;
  }

  /** Returns the size in bytes of a workspace that is within its limit. */
  async #measure({ task_id, dirs, tooLarge }: MeasuredWorkspace, signal: AbortSignal): Promise<number | undefined> {
    const within = { within_ms: MEASURE_MS_MAX, signal };
    // In parallel, so that both use the same disk cache.
    const [bytes, files] = await Promise.all([folderSize('bytes', dirs, within), folderSize('files', dirs, within)]);
    const slow = bytes === Infinity || files === Infinity ? (this.#slow.get(task_id) ?? 0) + 1 : 0;
    this.#slow.set(task_id, slow);
    if (slow > 0) this.#deps.logger.warn({ task_id, times: slow }, 'workspace measurement timed out');
    const fault = slow > 0 && slow < SLOW_MAX ? null : sizeFault({ bytes, files }, this.#deps.bytes_max);
    if (fault !== null && !signal.aborted) tooLarge(fault);
    return fault === null && slow === 0 ? bytes : undefined;
  }
}

const inMB = (size: number) => `${Math.round(size / MB)} MB`;

/**
 * Why what a worker hides is too much, as a sentence for its user; null if it is not. While the disk is short, less is.
 * `visible`: the size of its folders; undefined: they could not be measured, so what they show counts as hidden too.
 */
export function hiddenFault(
  { visible, hidden, is_short }: { visible: number | undefined; hidden: number; is_short: boolean },
  bytes_max: number,
): string | null {
  if (visible === undefined)
    return hidden > bytes_max * (is_short ? HIDDEN_SHARE_WHILE_SHORT : 1)
      ? `The workspace could not be measured ${MISSED_MAX} times in a row, while the worker has filled up to ${inMB(hidden)} of the disk; the server allows ${inMB(bytes_max)}.`
      : null;
  const what = `The worker has filled ${inMB(hidden)} of the disk with files that are in no folder any more`;
  if (hidden > 0 && visible + hidden > bytes_max)
    return `${what}, beside ${inMB(visible)} in its workspace; the server allows ${inMB(bytes_max)}.`;
  return is_short && hidden > bytes_max * HIDDEN_SHARE_WHILE_SHORT ? `${what}, and the disk is nearly full.` : null;
}

/**
 * Why a workspace of this size is too large, as a sentence for its user; null if it is not. `Infinity`: the measurement
 * timed out.
 */
export function sizeFault({ bytes, files }: { bytes: number; files: number }, bytes_max: number): string | null {
  if (bytes === Infinity || files === Infinity)
    return `The workspace has too many files to measure within ${MEASURE_MS_MAX / 1000} s.`;
  if (bytes > bytes_max) return `The workspace has grown to ${inMB(bytes)}; the server allows ${inMB(bytes_max)}.`;
  if (files > FILES_MAX) return `The workspace has grown to ${files} files; the server allows ${FILES_MAX}.`;
  return null;
}
