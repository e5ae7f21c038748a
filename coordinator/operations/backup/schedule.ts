import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { constants, setPriority } from 'node:os';
import type { Logger } from '../../base/logger.ts';
import { sourcePath } from '../../base/source-path.ts';
import { lockBackups } from '../../sqlite/data-lock.ts';
import { messageOf } from './error.ts';
import { backupCheck, readBackupState, type BackupState } from './state.ts';

const PROGRAM = sourcePath('coordinator/operations/admin/main.ts');
/** The shortest wait: a run waits until the server has started, and while another run is seen. */
const WAIT_MS_MIN = 10_000;
/** How long a run may take. Tens of gigabytes over a slow line take less. */
const RUN_MS_MAX = 2 * 60 * 60 * 1000;
/** How much of the program's error output is kept. */
const STDERR_CHARS_MAX = 2_000;

export type ScheduleOptions = {
  data_dir: string;
  every_ms: number;
  /** The environment of the program. */
  env: Record<string, string>;
  logger: Logger;
  /** Tests set these; they have their defaults. */
  wait_ms_min?: number;
  run_ms_max?: number;
};

/**
 * Runs `errand backup` at regular times, one run at a time. Each is a process of its own with a low priority, so that
 * it neither slows the server down nor takes it along when it fails.
 */
export class BackupSchedule {
  readonly #options: ScheduleOptions;
  #timer: NodeJS.Timeout | undefined;
  #child: ChildProcess | undefined;
  #done: Promise<void> | undefined;
  /** When another run was first seen, by the monotonic clock. Undefined: none is running. */
  #busy_since: number | undefined;
  #stopped = false;
  /** A failure that the program could not record itself: it was killed, or the disk is full. */
  #failure: BackupState['last_failure'] = null;

  constructor(options: ScheduleOptions) {
    this.#options = options;
  }

  /** Schedules the first run: soon, if the last good backup is older than the interval. */
  start(): void {
    const { data_dir, every_ms } = this.#options;
    const { last_good } = readBackupState(data_dir);
    const age_ms = last_good === null ? Infinity : Date.now() - Date.parse(last_good.at);
    // A negative age means that the clock was put back. That must not delay the next run.
    this.#runIn(age_ms < 0 ? 0 : every_ms - age_ms);
  }

  /** Kills the current run. The next one removes what it leaves. */
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

  /** For the metrics: the times of the last good backup and of the last failure (ISO). Null: there was none. */
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
    const { wait_ms_min = WAIT_MS_MIN } = this.#options;
    if (!this.#stopped) this.#timer = setTimeout(() => this.#run(), Math.max(wait_ms_min, wait_ms));
  }

  #run(): void {
    const began = performance.now();
    const runAgain = () => this.#runIn(this.#options.every_ms - (performance.now() - began));
    try {
      if (this.#isBusy()) return this.#runIn(0);
      this.#child = this.#spawn();
      this.#done = this.#waitFor(this.#child).then(runAgain);
    } catch (error) {
      // Node throws some failures of spawn, such as a lack of memory, and emits the others.
      this.#notStarted(error);
      runAgain();
    }
  }

  /**
   * Whether another backup is running: one that a person started, or one that outlived a killed server. That is no
   * failure. But past the time limit it is not waited for: the run that starts then fails, and says why.
   */
  #isBusy(): boolean {
    const { data_dir, logger, run_ms_max = RUN_MS_MAX } = this.#options;
    const lock = lockBackups(data_dir);
    if (!lock) {
      if (this.#busy_since === undefined) logger.info('another backup is running');
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
      timeout: this.#options.run_ms_max ?? RUN_MS_MAX,
      killSignal: 'SIGKILL',
      // Ctrl-C in the server's terminal must not reach it: the server kills it when it stops.
      detached: true,
    });
  }

  /** Waits until the run has ended, and logs the outcome. */
  async #waitFor(child: ChildProcess): Promise<void> {
    const { data_dir, logger, run_ms_max = RUN_MS_MAX } = this.#options;
    let stderr = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(0, STDERR_CHARS_MAX);
    });
    try {
      if (child.pid !== undefined) lowerPriority(child.pid);
      const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
      if (this.#stopped) return;
      if (code === 0) return logger.info(readBackupState(data_dir).last_good, 'backup completed');
      // Only its timeout kills it, if the server does not stop.
      if (child.killed) this.#failed(`It took longer than ${Math.round(run_ms_max / 60_000)} minutes, and was killed.`);
      else this.#failed(stderr.trim() || `It ended with ${code ?? signal}.`);
    } catch (error) {
      this.#notStarted(error);
    }
  }

  #notStarted(error: unknown): void {
    this.#failed(`It could not be started: ${messageOf(error)}.`);
  }

  #failed(message: string): void {
    this.#failure = { at: new Date().toISOString(), message };
    this.#options.logger.error({ reason: message }, 'backup failed');
  }
}

function lowerPriority(pid: number): void {
  try {
    setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // It has already ended, or the system forbids it. Then it runs at the normal priority.
  }
}
