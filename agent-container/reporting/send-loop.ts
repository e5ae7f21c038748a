import { LIMITS } from '../../protocol/limits.ts';
import { ErrandError } from '../../protocol/problem.ts';
import { sleep } from '../base/sleep.ts';
import { within } from '../base/within.ts';
import { callbackDelayMs, classifyCallbackError, isOnlyAbout, retryCallback } from './callback-errors.ts';
import type { Callbacks } from './callbacks.ts';
import type { DeltaBuffer } from './delta-buffer.ts';
import { RefusedEvents } from './refused-events.ts';
import type { Spool } from './spool.ts';
import type { SpooledEvent } from './spool-files.ts';
import type { WaitTracker } from './wait-tracker.ts';

/** What comes within this time of a POST goes into the next one; the first after a pause goes at once. */
const BATCH_MS = 30;
/** This much is sent without waiting for more. */
const BATCH_BYTES = 64 * 1024;
/** Leaves room in the body for the deltas, whose characters may take six bytes each, and for the envelope. */
const EVENTS_BYTES_MAX = LIMITS.callback_body_bytes_max - 2 * 1024 * 1024;

type Options = {
  callbacks: Callbacks;
  spool: Spool;
  deltas: DeltaBuffer;
  waits: WaitTracker;
  heartbeat_ms: number;
  /** Called once, with the error by which the attempt is lost. The loop has ended then. */
  onLost: (error: unknown) => void;
};

/**
 * Sends events, deltas and heartbeats. It makes one callback at a time, so that nothing can overtake; it batches, and
 * repeats what was not answered.
 */
export class SendLoop {
  readonly #options: Options;
  readonly #refused: RefusedEvents;
  readonly #stopped = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #wake: () => void = () => undefined;
  #posted_at = Number.NEGATIVE_INFINITY;
  #failures = 0;
  /** Whether the token was renewed since the last POST that succeeded: a second time would not help. */
  #token_renewed = false;

  constructor(options: Options) {
    this.#options = options;
    this.#refused = new RefusedEvents(options.spool);
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Ends the loop. Events that are not acknowledged stay in the spool. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#wake();
    await this.#running;
  }

  /** Says that there is something new to send. */
  wake(): void {
    this.#wake();
  }

  async #run(): Promise<void> {
    try {
      while (!this.#stopped.signal.aborted) {
        const wait_ms = this.#waitMs();
        if (wait_ms > 0) await this.#idle(wait_ms);
        else await this.#send();
      }
    } catch (error) {
      if (!this.#stopped.signal.aborted) this.#options.onLost(error);
    }
  }

  /** How long until something is to be sent. */
  #waitMs(): number {
    const { spool, deltas, waits } = this.#options;
    const now = performance.now();
    const bytes = spool.waiting_bytes + deltas.chars;
    if (bytes === 0 && !waits.unreported) return this.#heartbeatDueAt() - now;
    return bytes >= BATCH_BYTES ? 0 : Math.min(this.#heartbeatDueAt(), this.#posted_at + BATCH_MS) - now;
  }

  #heartbeatDueAt(): number {
    return this.#options.callbacks.heartbeat_at + this.#options.heartbeat_ms;
  }

  async #idle(ms: number): Promise<void> {
    const { promise: woken, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    await within(ms, woken);
    this.#wake = () => undefined;
  }

  /** Makes one callback. Rejects with the error by which the attempt is lost; any other error is handled. */
  async #send(): Promise<void> {
    const { callbacks } = this.#options;
    const { signal } = this.#stopped;
    let events: SpooledEvent[] | undefined;
    try {
      if (performance.now() >= this.#heartbeatDueAt()) await callbacks.heartbeat(signal);
      else {
        events = this.#nextBatch();
        this.#posted_at = performance.now();
        await callbacks.postEvents(events, signal);
        this.#token_renewed = false;
      }
      this.#failures = 0;
    } catch (error) {
      signal.throwIfAborted();
      await this.#recover(error, events);
    }
  }

  #nextBatch(): SpooledEvent[] {
    const { spool } = this.#options;
    const first_seq = spool.acked_seq + 1;
    return spool.read(first_seq, this.#refused.batchMax(first_seq), EVENTS_BYTES_MAX);
  }

  /** `sent`: the events of the POST that failed; undefined if it was a heartbeat. */
  async #recover(error: unknown, sent: SpooledEvent[] | undefined): Promise<void> {
    const { signal } = this.#stopped;
    switch (classifyCallbackError(error)) {
      case 'transient':
        this.#failures++;
        return sleep(callbackDelayMs(error, this.#failures) ?? 0, signal);
      case 'events_missing':
        return this.#resendFromExpected(error);
      case 'malformed':
        // These were dropped when the call failed. The events are not at fault.
        if (isOnlyAbout(error, '/deltas', '/waiting_for')) return;
        if (sent === undefined) throw error;
        return this.#refused.replace(sent, error);
      case 'token_invalid':
        if (this.#token_renewed) throw error;
        this.#token_renewed = true;
        return retryCallback(() => this.#options.callbacks.heartbeat(signal), signal);
      case 'attempt_ended':
      case 'fatal':
        throw error;
    }
  }

  /** Continues at the event that the coordinator expects. Throws if the spool no longer has that event. */
  #resendFromExpected(error: unknown): void {
    const { spool } = this.#options;
    const expected = error instanceof ErrandError ? error.expected_seq : undefined;
    // Just after `acked_seq` is what was sent: it would fail the same way again.
    if (expected === undefined || expected <= spool.acked_seq + 1 || expected > spool.last_seq + 1) throw error;
    spool.acknowledge(expected - 1);
  }
}
