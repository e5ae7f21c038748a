import { LIMITS } from '../../protocol/limits.ts';
import type { Logger } from '../base/logger.ts';
import type { Worker } from './runner.ts';
import { postCancel } from './worker-client.ts';

export type CancellationDependencies = {
  logger: Logger;
  /** The interval of heartbeats. A worker that cannot be called gets the cancel in the reply to its next heartbeat. */
  heartbeat_ms: number;
  /** Ends the attempt and kills the worker. */
  kill: () => void;
};

/**
 * Cancels one running attempt: asks its worker to stop and save its work, and kills the worker if that takes too
 * long.
 */
export class Cancellation {
  readonly #deps: CancellationDependencies;
  #timer: NodeJS.Timeout | undefined;
  #kill_at_ms = Infinity;

  constructor(deps: CancellationDependencies) {
    this.#deps = deps;
  }

  /** When the worker is killed, by `performance.now()`; `Infinity` if the attempt is not being cancelled. */
  get kill_at_ms(): number {
    return this.#kill_at_ms;
  }

  /** Asks the worker to stop. A second call has no effect. `over`: aborts when the attempt has ended. */
  begin({ channel }: Worker, reason: string, over: AbortSignal): void {
    if (this.#timer) return;
    if (!channel) return this.#killAfter(this.#deps.heartbeat_ms + LIMITS.cancel_push_ms);
    this.#killAfter(LIMITS.cancel_grace_ms);
    postCancel(channel, reason).then(
      // The worker has stopped. It still has to save its work, and a push to a slow forge takes time.
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
