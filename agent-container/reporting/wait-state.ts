import { LIMITS } from '../../protocol/limits.ts';
import type { WaitingFor } from '../../protocol/task.ts';

/**
 * What the work waits for, and since when nothing came of it: no byte of the model's answer, no output of the command. `onChange` is called
 * whenever either has changed.
 */
export class Waiting {
  readonly #onChange: () => void;
  readonly #quiet_ms: number;
  #now: WaitingFor | null = null;
  #heard_ms = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(onChange: () => void, quiet_ms: number = LIMITS.quiet_ms) {
    this.#onChange = onChange;
    this.#quiet_ms = quiet_ms;
  }

  get now(): WaitingFor | null {
    return this.#now;
  }

  /** Another wait begins, or none. */
  set(waiting: WaitingFor | null): void {
    this.#now = waiting;
    this.#heard_ms = performance.now();
    this.#watch(this.#quiet_ms);
    this.#onChange();
  }

  /** Something came of what is waited for. Called for each piece: it costs next to nothing. */
  heard(): void {
    this.#heard_ms = performance.now();
    if (!canFallSilent(this.#now) || this.#now.silent_since === undefined) return;
    const { silent_since: _, ...waiting } = this.#now;
    this.set(waiting);
  }

  /** Watches no more. */
  stop(): void {
    clearTimeout(this.#timer);
  }

  #watch(ms: number): void {
    clearTimeout(this.#timer);
    if (canFallSilent(this.#now)) this.#timer = setTimeout(() => this.#look(), ms).unref();
  }

  #look(): void {
    const quiet_ms = performance.now() - this.#heard_ms;
    if (quiet_ms < this.#quiet_ms) return this.#watch(Math.ceil(this.#quiet_ms - quiet_ms));
    if (!canFallSilent(this.#now)) return;
    this.#now = { ...this.#now, silent_since: new Date(Date.now() - quiet_ms).toISOString() };
    this.#onChange();
  }
}

type Audible = Extract<WaitingFor, { kind: 'model' | 'command' }>;

function canFallSilent(waiting: WaitingFor | null): waiting is Audible {
  return waiting?.kind === 'model' || waiting?.kind === 'command';
}
