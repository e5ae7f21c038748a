import { LIMITS } from '../../protocol/limits.ts';
import type { WorkerWait } from '../../protocol/worker-wait.ts';
import { Watchdog } from '../base/watchdog.ts';

/**
 * What the work waits for, and whether that has gone silent: the model or command has sent nothing for `quiet_ms`.
 * `onChange` is called whenever either changes.
 */
export class WaitTracker {
  readonly #onChange: () => void;
  readonly #quiet_ms: number;
  readonly #watchdog: Watchdog;
  #current: WorkerWait | null = null;
  /** Whether `current` has not been sent to the coordinator yet. */
  unreported = false;

  constructor(onChange: () => void, quiet_ms: number = LIMITS.quiet_ms) {
    this.#onChange = onChange;
    this.#quiet_ms = quiet_ms;
    this.#watchdog = new Watchdog(quiet_ms, () => this.#markSilent());
  }

  get current(): WorkerWait | null {
    return this.#current;
  }

  /** A new wait begins; null: the work waits for nothing. */
  set(waiting: WorkerWait | null): void {
    if (canGoSilent(waiting)) this.#watchdog.touch();
    else this.#watchdog.stop();
    this.#change(waiting);
  }

  /** The model or command has sent something. Called for each piece, so it must be cheap. */
  activity(): void {
    if (!canGoSilent(this.#current)) return;
    this.#watchdog.touch();
    if (this.#current.silent_since === undefined) return;
    const { silent_since: _, ...waiting } = this.#current;
    this.#change(waiting);
  }

  /** The coordinator refused a wait. It would refuse it again. Another one that has begun meanwhile stays. */
  drop(refused: WorkerWait | null): void {
    if (this.#current !== refused) return;
    this.#watchdog.stop();
    this.#current = null;
    this.unreported = false;
  }

  stop(): void {
    this.#watchdog.stop();
  }

  #markSilent(): void {
    if (!canGoSilent(this.#current)) return;
    const silent_since = new Date(Date.now() - this.#quiet_ms).toISOString();
    this.#change({ ...this.#current, silent_since });
  }

  #change(waiting: WorkerWait | null): void {
    this.#current = waiting;
    this.unreported = true;
    this.#onChange();
  }
}

type AudibleWait = Extract<WorkerWait, { kind: 'model' | 'command' }>;

function canGoSilent(waiting: WorkerWait | null): waiting is AudibleWait {
  return waiting?.kind === 'model' || waiting?.kind === 'command';
}
