import { LIMITS } from '../../protocol/limits.ts';
import type { Logger } from '../base/logger.ts';
import type { Worker } from './runner.ts';
import { postCancel } from './worker-client.ts';

export type CancellationDependencies = {
  logger: Logger;
  /** How often a worker calls, in milliseconds. One that cannot be called hears of the cancel with its next heartbeat. */
  heartbeat_ms: number;
  /** Ends the attempt from outside. */
  kill: () => void;
};

/** The cancel of one attempt under way: asks its worker to stop and save its work, and ends the attempt where that takes too long. */
export class Cancellation {
  readonly #deps: CancellationDependencies;
  #timer: NodeJS.Timeout | undefined;
  #kill_at_ms = Infinity;

  constructor(deps: CancellationDependencies) {
    this.#deps = deps;
  }

  /** When the attempt is ended from outside, by `performance.now()`. `Infinity`: it is not being cancelled. */
  get kill_at_ms(): number {
    return this.#kill_at_ms;
  }

  /** Asks the worker to stop. Does nothing where it was asked before. `over`: aborts when the attempt has ended. */
  begin({ channel }: Worker, reason: string, over: AbortSignal): void {
    if (this.#timer) return;
    if (!channel) return this.#killAfter(this.#deps.heartbeat_ms + LIMITS.cancel_push_ms);
    this.#killAfter(LIMITS.cancel_grace_ms);
    postCancel(channel, reason).then(
      // The worker has stopped its work. It still has to save that work, and a push to a distant forge takes its time.
      ({ status }) => status === 202 && !over.aborted && this.#killAfter(LIMITS.cancel_push_ms),
      (error: unknown) => this.#deps.logger.info({ err: error }, 'cancel push failed; the next callback brings it'),
    );
  }

  /** The attempt has ended, or the server stops. */
  stop(): void {
    clearTimeout(this.#timer);
  }

  #killAfter(wait_ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#deps.kill, wait_ms);
    this.#kill_at_ms = performance.now() + wait_ms;
  }
}
