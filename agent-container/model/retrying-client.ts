import { AttemptFailure } from '../base/failure.ts';
import { backoffMs, retry, type Backoff } from '../base/retry.ts';
import type { ProgressReporter } from '../base/work.ts';
import type { ModelClient } from './client.ts';
import { ModelError } from './error.ts';
import { MediaLimit } from './media-limit.ts';
import type { ModelMessage } from './message.ts';
import { RefusedParts } from './refused-parts.ts';
import type { ModelRequest } from './request.ts';
import type { ModelResponse } from './response.ts';

export type RetryLimits = {
  backoff: Backoff;
  /** Failures of one request in a row until it is given up. */
  failures_max: number;
  /** The same of answers that had begun and were broken off: each of them costs what it had said. */
  broken_answers_max: number;
  /**
   * How long one request may wait in all. A limit that resets later ends the attempt, which frees the worker: the task
   * waits without one.
   */
  wait_total_ms: number;
};

/** The number of the turn, and the name of its deltas. */
type TurnRef = { turn: number; ref: string };

/** A coordinator that is back should be noticed soon. */
const RECONNECT_MS_MAX = 5_000;
/** Of a conversation that is too long. */
const DOCUMENTS = { kind: 'document', message: null, block: null, inner: null } as const;
const SILENT = { onText: () => undefined, onActivity: () => undefined };
const REASON_CHARS_MAX = 2_000;
const WAIT_REASON_CHARS_MAX = 500;

/**
 * Repeats a request until the model answers: the only place that retries model requests. If the API refuses a part of
 * the conversation (its thinking, a picture, a document, an answer), that part is left out from then on; so are the
 * oldest pictures and documents of a conversation that has too many.
 */
export class RetryingModelClient {
  readonly #client: ModelClient;
  readonly #report: ProgressReporter;
  readonly #limits: RetryLimits;
  readonly #refused = new RefusedParts();
  readonly #media = new MediaLimit();

  constructor(client: ModelClient, report: ProgressReporter, limits: RetryLimits) {
    this.#client = client;
    this.#report = report;
    this.#limits = limits;
  }

  /**
   * Rejects with `AttemptFailure` if there is no response to be had, with the `ModelError` of a conversation that is
   * too long or too expensive, or with the signal's reason.
   */
  async request(turn: TurnRef, request: ModelRequest, signal: AbortSignal): Promise<ModelResponse> {
    const failures = new RequestFailures(this.#limits);
    return retry(
      () => this.#requestOnce(turn.ref, request, signal, () => failures.noteText()),
      (error) => this.#beforeRetry(turn, request, error, failures),
      signal,
    );
  }

  /** Makes one request, and none again. */
  async requestOnce(request: ModelRequest, signal: AbortSignal): Promise<void> {
    const messages = this.#sent(request.messages);
    await this.#client.request({ ...request, messages }, signal, SILENT);
  }

  /** Puts words in the place of documents from now on: of the newest message, or else of all. False: there are none. */
  leaveOutDocuments(messages: ModelMessage[]): boolean {
    return this.#refused.add(DOCUMENTS, messages, false);
  }

  async #requestOnce(
    ref: string,
    request: ModelRequest,
    signal: AbortSignal,
    noteText: () => void,
  ): Promise<ModelResponse> {
    const messages = this.#sent(request.messages);
    this.#report.waitingFor({ kind: 'model', since: new Date().toISOString() });
    try {
      return await this.#client.request({ ...request, messages }, signal, {
        onText: (kind, text) => {
          noteText();
          this.#report.delta({ ref, kind, text });
        },
        onActivity: () => this.#report.activity(),
      });
    } finally {
      this.#report.waitingFor(null);
    }
  }

  #sent(messages: ModelMessage[]): ModelMessage[] {
    return this.#media.apply(this.#refused.apply(messages));
  }

  /** Reports the failure, and returns how long to wait. Throws if a retry is of no use. */
  async #beforeRetry(
    { turn, ref }: TurnRef,
    request: ModelRequest,
    error: unknown,
    failures: RequestFailures,
  ): Promise<number> {
    if (!(error instanceof ModelError)) throw error;
    const { wait_ms, is_reported } = this.#adaptTo(error, request)
      ? { wait_ms: 0, is_reported: true }
      : failures.add(error);
    const now = Date.now();
    const until = new Date(now + wait_ms).toISOString();
    if (is_reported) {
      const reason = error.message.slice(0, REASON_CHARS_MAX);
      await this.#report.emit({ type: 'turn.retried', body: { turn, ref, reason, retry_at: until } });
    }
    if (wait_ms > 0) {
      const reason = error.message.slice(0, WAIT_REASON_CHARS_MAX);
      this.#report.waitingFor({ kind: 'limit', since: new Date(now).toISOString(), until, reason });
    }
    return wait_ms;
  }

  /** Changes what the next try sends, if that may help. Throws `AttemptFailure` if nothing can help. */
  #adaptTo(error: ModelError, { messages, purpose }: ModelRequest): boolean {
    switch (error.kind) {
      case 'transient':
      case 'disconnected':
        return false;
      case 'context_overflow':
      case 'budget_spent':
        throw error;
      case 'unavailable':
        throw unavailable(error.message, error);
      case 'rejected':
        // Without a summary the conversation goes on: no answer is given up for one.
        if (error.refusal !== null && this.#refused.add(error.refusal, messages, purpose === 'answer')) return true;
        throw new AttemptFailure('model_rejected', error.message, error);
    }
  }
}

/** The longest wait that is reported as a time; beyond it, the API has not named a useful one. */
const NAMED_WAIT_MS_MAX = 366 * 24 * 3_600_000;

function unavailable(message: string, error: ModelError): AttemptFailure {
  const wait_ms = error.retry_after_ms ?? 0;
  const retry_at = wait_ms > 0 ? new Date(Date.now() + Math.min(wait_ms, NAMED_WAIT_MS_MAX)).toISOString() : null;
  return new AttemptFailure('model_unavailable', message, error, retry_at);
}

/** Counts the failures of one request, and says how long to wait after each. */
class RequestFailures {
  readonly #limits: RetryLimits;
  #transient = 0;
  #disconnected = 0;
  #broken = 0;
  #has_text = false;
  #waited_ms = 0;

  constructor(limits: RetryLimits) {
    this.#limits = limits;
  }

  /** Notes that the answer has begun. */
  noteText(): void {
    this.#has_text = true;
  }

  /** Throws `AttemptFailure` once the request is to be given up. */
  add(error: ModelError): { wait_ms: number; is_reported: boolean } {
    const { backoff, failures_max, broken_answers_max, wait_total_ms } = this.#limits;
    if (this.#has_text) this.#broken++;
    this.#has_text = false;
    if (error.kind === 'disconnected') {
      // The coordinator will be back, and the model was not asked: this is waited for without a limit, and reported
      // once.
      this.#disconnected++;
      const wait_ms = Math.min(backoffMs(backoff, this.#disconnected), RECONNECT_MS_MAX);
      return { wait_ms, is_reported: this.#disconnected === 1 };
    }
    this.#disconnected = 0;
    this.#transient++;
    const wait_ms = Math.max(error.retry_after_ms ?? 0, backoffMs(backoff, this.#transient));
    this.#waited_ms += wait_ms;
    const is_over = this.#transient >= failures_max || this.#broken >= broken_answers_max;
    if (is_over || this.#waited_ms > wait_total_ms)
      throw unavailable(`${error.message} It was tried ${this.#transient} times.`, error);
    return { wait_ms, is_reported: true };
  }
}
