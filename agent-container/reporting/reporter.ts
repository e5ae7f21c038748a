import type { Delta, WorkerEvent } from '../../protocol/events.ts';
import type { WorkerWait } from '../../protocol/worker-wait.ts';
import type { Control, ResultPost } from '../../protocol/worker-schemas.ts';
import type { ProgressReporter } from '../base/work.ts';
import { classifyCallbackError, retryCallback } from './callback-errors.ts';
import { Callbacks } from './callbacks.ts';
import type { CoordinatorClient } from './coordinator-client.ts';
import { DeltaBuffer } from './delta-buffer.ts';
import { SendLoop } from './send-loop.ts';
import { shortenEvent } from './shorten-event.ts';
import type { Spool } from './spool.ts';
import { WaitTracker } from './wait-tracker.ts';

/** What the worker reports at the end of an attempt. */
export type AttemptResult = Omit<ResultPost, 'attempt' | 'last_seq'>;

function hasDiff({ diff, repositories = [] }: AttemptResult): boolean {
  return diff !== '' || repositories.some((each) => each.diff !== '');
}

function withoutDiff({ repositories, ...first }: AttemptResult): AttemptResult {
  const none = { diff: '', diff_truncated: true };
  return {
    ...first,
    ...none,
    ...(repositories && { repositories: repositories.map((each) => ({ ...each, ...none })) }),
  };
}

type Options = {
  client: CoordinatorClient;
  spool: Spool;
  attempt: number;
  heartbeat_ms: number;
  /** Called with what each reply carries. The same messages come again until their `input.added` is acknowledged. */
  onControl: (control: Control) => void;
  /** Called once if the coordinator wants no more of this attempt. */
  onLost: (error: unknown) => void;
};

/** Reports an attempt to the coordinator: its events, its progress, and at last its result. */
export class Reporter implements ProgressReporter {
  readonly #spool: Spool;
  readonly #deltas = new DeltaBuffer();
  readonly #waits = new WaitTracker(() => this.#loop.wake());
  readonly #callbacks: Callbacks;
  readonly #loop: SendLoop;

  constructor({ client, spool, attempt, heartbeat_ms, onControl, onLost }: Options) {
    this.#spool = spool;
    const shared = { spool, deltas: this.#deltas, waits: this.#waits };
    this.#callbacks = new Callbacks({ ...shared, client, attempt, onControl });
    this.#loop = new SendLoop({
      ...shared,
      callbacks: this.#callbacks,
      heartbeat_ms,
      onLost: (error) => {
        spool.close(error instanceof Error ? error : new Error('The attempt is lost.', { cause: error }));
        onLost(error);
      },
    });
  }

  /** Begins to send, and to renew the lease. */
  start(): void {
    this.#loop.start();
  }

  /** Stops sending. What the coordinator has not acknowledged stays in the spool. */
  async stop(): Promise<void> {
    this.#waits.stop();
    await this.#loop.stop();
  }

  get waiting_for(): WorkerWait | null {
    return this.#waits.current;
  }

  async emit(event: WorkerEvent): Promise<void> {
    this.#deltas.dropReplacedBy(event);
    await this.#spool.append(shortenEvent(event));
    this.#loop.wake();
  }

  delta(delta: Delta): void {
    this.#waits.activity();
    this.#deltas.add(delta, this.#spool.last_seq);
    this.#loop.wake();
  }

  waitingFor(waiting: WorkerWait | null): void {
    this.#waits.set(waiting);
  }

  activity(): void {
    this.#waits.activity();
  }

  /** Resolves once every event is acknowledged. Rejects when the attempt is lost, or the signal aborts. */
  drained(signal: AbortSignal): Promise<void> {
    return this.#spool.drained(signal);
  }

  /**
   * Posts the result once every event is acknowledged, and repeats it until it is answered. Resolves also if the
   * coordinator had the result already. Nothing can be reported afterwards.
   */
  async finish(result: AttemptResult, signal: AbortSignal): Promise<void> {
    do await this.drained(signal);
    while (this.#spool.acked_seq < this.#spool.last_seq);
    // Work that did not end when it was stopped may still report: the result would not count those events.
    this.#spool.close(new Error('The result is reported: no event can follow.'));
    await this.stop();
    try {
      await this.#postResult(result, signal);
    } catch (error) {
      if (classifyCallbackError(error) !== 'attempt_ended') throw error;
    }
  }

  /** A result that is refused is posted again without its diff, which may be what makes it too large. */
  async #postResult(result: AttemptResult, signal: AbortSignal): Promise<void> {
    const post = (body: AttemptResult) => this.withTokenRenewal(() => this.#callbacks.postResult(body, signal), signal);
    try {
      await post(result);
    } catch (error) {
      if (classifyCallbackError(error) !== 'malformed' || !hasDiff(result)) throw error;
      await post(withoutDiff(result));
    }
  }

  /**
   * Repeats a callback until it is answered. If its token is not valid, renews it by one heartbeat and tries again.
   * Throws any error that is not transient.
   */
  async withTokenRenewal<T>(call: () => Promise<T>, signal: AbortSignal): Promise<T> {
    try {
      return await retryCallback(call, signal);
    } catch (error) {
      if (classifyCallbackError(error) !== 'token_invalid') throw error;
      await retryCallback(() => this.#callbacks.heartbeat(signal), signal);
      return retryCallback(call, signal);
    }
  }
}
