import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { constants, setPriority } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Logger } from '../../base/logger.ts';
import { lockBackups } from '../../sqlite/data-lock.ts';
import { backupCheck, readBackupState, type BackupState } from './state.ts';

const PROGRAM = fileURLToPath(new URL('../../admin/main.ts', import.meta.url));
/** A start of the server is over before a backup begins; and how often it is looked whether another run has ended. */
const SOON_MS = 10_000;
/** How long a backup may take: a database of tens of gigabytes does, over a slow line. */
const RUN_MS_MAX = 2 * 60 * 60 * 1000;
/** What is read of the program's words. */
const WORDS_CHARS_MAX = 2_000;

export type ScheduleOptions = {
  data_dir: string;
  every_ms: number;
  /** The program's environment. */
  env: Record<string, string>;
  logger: Logger;
  /** Tests set these; they have their defaults. */
  soon_ms?: number;
  run_ms_max?: number;
};

/**
 * Runs `errand backup` at its times, one run at a time, in a process of its own at a low priority: neither copying nor sending touches the server,
 * whatever becomes of it.
 */
export class BackupSchedule {
  readonly #options: ScheduleOptions;
  #timer: NodeJS.Timeout | undefined;
  #child: ChildProcess | undefined;
  #done: Promise<void> | undefined;
  /** Since when another run was seen to be under way, by the monotonic clock. */
  #busy_since: number | undefined;
  #stopped = false;
  /** What the program could not note itself: it was killed, or the disk is full. */
  #failure: BackupState['last_failure'] = null;

  constructor(options: ScheduleOptions) {
    this.#options = options;
  }

  /** Begins: with a backup soon, where the last good one is older than the interval. */
  start(): void {
    const { data_dir, every_ms } = this.#options;
    const { last_good } = readBackupState(data_dir);
    const age_ms = last_good === null ? Infinity : Date.now() - Date.parse(last_good.at);
    // A clock that was put back does not put the next one off.
    this.#runIn(age_ms < 0 ? 0 : every_ms - age_ms);
  }

  /** Ends a run under way: the next one clears away what it leaves. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#child?.kill('SIGKILL');
    await this.#done;
  }

  /** For `/readyz`. */
  check(): { ok: boolean; detail: string } {
    return backupCheck(this.#state(), this.#options.every_ms, Date.now());
  }

  /** For the metrics: of when the last good backup is, and when one last failed, as ISO times; null: none is, or did. */
  times(): { succeeded_at: string | null; failed_at: string | null } {
    const { last_good, last_failure } = this.#state();
    return { succeeded_at: last_good?.at ?? null, failed_at: last_failure?.at ?? null };
  }

  #state(): BackupState {
    const state = readBackupState(this.#options.data_dir);
    const failures = [state.last_failure, this.#failure].filter((failure) => failure !== null);
    return { ...state, last_failure: failures.sort((a, b) => (a.at < b.at ? 1 : -1))[0] ?? null };
  }

  #runIn(wait_ms: number): void {
    const { soon_ms = SOON_MS } = this.#options;
    if (!this.#stopped) this.#timer = setTimeout(() => this.#begin(), Math.max(soon_ms, wait_ms));
  }

  #begin(): void {
    const began = performance.now();
    try {
      if (this.#isBusy()) return this.#runIn(0);
      this.#child = this.#spawn();
      this.#done = this.#watch(this.#child).then(() => this.#runAgain(began));
    } catch (error) {
      // No memory or no process to be had: node throws some of that at once.
      this.#notStarted(error);
      this.#runAgain(began);
    }
  }

  /** In its time after a run that began then. */
  #runAgain(began: number): void {
    this.#runIn(this.#options.every_ms - (performance.now() - began));
  }

  /**
   * Whether another run is under way: a person's, or one that outlived a server which was killed. That is no failure, and what it makes is as good.
   * Where it goes on for longer than any may, it is no longer waited for: the run that begins then fails, in the words for that.
   */
  #isBusy(): boolean {
    const { data_dir, logger, run_ms_max = RUN_MS_MAX } = this.#options;
    const lock = lockBackups(data_dir);
    if (!lock) {
      if (this.#busy_since === undefined) logger.info('another backup is under way');
      this.#busy_since ??= performance.now();
      if (performance.now() - this.#busy_since <= run_ms_max) return true;
    }
    lock?.release();
    this.#busy_since = undefined;
    return false;
  }

  #spawn(): ChildProcess {
    return spawn(process.execPath, [PROGRAM, 'backup'], {
      env: this.#options.env,
      stdio: ['ignore', 'ignore', 'pipe'],
      // A Ctrl-C at the server's terminal is for the server, which ends the run when it stops.
      detached: true,
    });
  }

  /** Resolves when the run has ended, however it did. */
  async #watch(child: ChildProcess): Promise<void> {
    const { data_dir, logger, run_ms_max = RUN_MS_MAX } = this.#options;
    let words = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (words = (words + text).slice(0, WORDS_CHARS_MAX)));
    let late = false;
    const bound = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, run_ms_max);
    try {
      if (child.pid !== undefined) lowerPriority(child.pid);
      const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
      if (this.#stopped) return;
      if (code === 0) return logger.info(readBackupState(data_dir).last_good, 'a backup was made');
      const minutes = Math.round(run_ms_max / 60_000);
      if (late) this.#failed(`It took longer than ${minutes} minutes, and was ended.`);
      else this.#failed(words.trim() || `It ended with ${code ?? signal}.`);
    } catch (error) {
      this.#notStarted(error);
    } finally {
      clearTimeout(bound);
    }
  }

  #notStarted(error: unknown): void {
    this.#failed(`It could not be started: ${error instanceof Error ? error.message : String(error)}.`);
  }

  #failed(words: string): void {
    this.#failure = { at: new Date().toISOString(), words };
    this.#options.logger.error({ words }, 'the backup failed');
  }
}

function lowerPriority(pid: number): void {
  try {
    setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // It has ended already, or the system does not allow it: it runs like any other then.
  }
}
