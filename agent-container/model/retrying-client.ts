import { AttemptFailure } from '../base/failure.ts';
import { backoffMs, retry, type Backoff } from '../base/retry.ts';
import type { ProgressReporter } from '../base/work.ts';
import type { ModelClient } from './client.ts';
import { ModelError, type ModelErrorKind } from './error.ts';
import type { ModelMessage } from './message.ts';
import { leaveOutAnswer, refusedAnswer } from './refused-answer.ts';
import type { ModelRequest } from './request.ts';
import type { ModelResponse } from './response.ts';

export type RetryLimits = {
  backoff: Backoff;
  /** Failures of one request in a row until it is given up. */
  failures_max: number;
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
/** How many answers may be left out because the API refuses them. */
const REFUSED_ANSWERS_MAX = 5;
const REASON_CHARS_MAX = 2_000;
const WAIT_REASON_CHARS_MAX = 500;
export const CONTEXT_EXHAUSTED =
  "The conversation no longer fits into the model's context, even shortened. Give a new task with what is left to do.";

/**
 * Repeats a request until the model answers: the only place that retries model requests. If the API refuses a part of
 * the conversation (its thinking, its images, an answer), that part is left out from then on.
 */
export class RetryingModelClient {
  readonly #client: ModelClient;
  readonly #report: ProgressReporter;
  readonly #limits: RetryLimits;
  readonly #left_out = new Set<ModelErrorKind>();
  /** The answers that the API refuses, by their places in the conversation. */
  readonly #refused = new Set<number>();
  /** The last request did not fit: the next one asks for a shorter context. */
  shorten_context = false;

  constructor(client: ModelClient, report: ProgressReporter, limits: RetryLimits) {
    this.#client = client;
    this.#report = report;
    this.#limits = limits;
  }

  /** Rejects with `AttemptFailure` if there is no response to be had, or with the signal's reason. */
  async request(
    turn: TurnRef,
    request: Omit<ModelRequest, 'shorten_context'>,
    signal: AbortSignal,
  ): Promise<ModelResponse> {
    const failures = new RequestFailures(this.#limits);
    return retry(
      () => this.#requestOnce(turn.ref, request, signal),
      (error) => this.#beforeRetry(turn, request.messages, error, failures),
      signal,
    );
  }

  async #requestOnce(
    ref: string,
    request: Omit<ModelRequest, 'shorten_context'>,
    signal: AbortSignal,
  ): Promise<ModelResponse> {
    const answers = [...this.#refused].reduce(leaveOutAnswer, request.messages);
    const messages = withoutRefused(answers, this.#left_out);
    const { shorten_context } = this;
    this.#report.waitingFor({ kind: 'model', since: new Date().toISOString() });
    try {
      return await this.#client.request({ ...request, messages, shorten_context }, signal, {
        onText: (kind, text) => this.#report.delta({ ref, kind, text }),
        onActivity: () => this.#report.activity(),
      });
    } finally {
      this.#report.waitingFor(null);
    }
  }

  /** Reports the failure, and returns how long to wait. Throws if a retry is of no use. */
  async #beforeRetry(
    { turn, ref }: TurnRef,
    messages: ModelMessage[],
    error: unknown,
    failures: RequestFailures,
  ): Promise<number> {
    if (!(error instanceof ModelError)) throw error;
    const { wait_ms, is_reported } = this.#adaptTo(error, messages)
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
  #adaptTo(error: ModelError, messages: ModelMessage[]): boolean {
    switch (error.kind) {
      case 'transient':
      case 'disconnected':
        return false;
      case 'context_overflow':
        if (this.shorten_context) throw new AttemptFailure('context_exhausted', CONTEXT_EXHAUSTED, error);
        this.shorten_context = true;
        return true;
      case 'thinking_refused':
      case 'image_refused':
        if (this.#left_out.has(error.kind)) throw new AttemptFailure('model_rejected', error.message, error);
        this.#left_out.add(error.kind);
        return true;
      case 'message_refused': {
        const index = refusedAnswer(messages, error.message_index, this.#refused);
        if (index === null || this.#refused.size >= REFUSED_ANSWERS_MAX)
          throw new AttemptFailure('model_rejected', error.message, error);
        this.#refused.add(index);
        return true;
      }
      case 'budget_spent':
        throw new AttemptFailure('budget_exhausted', error.message, error);
      case 'unavailable':
        throw unavailable(error.message, error);
      case 'rejected':
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
  #waited_ms = 0;

  constructor(limits: RetryLimits) {
    this.#limits = limits;
  }

  /** Throws `AttemptFailure` once the request is to be given up. */
  add(error: ModelError): { wait_ms: number; is_reported: boolean } {
    const { backoff, failures_max, wait_total_ms } = this.#limits;
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
    if (this.#transient >= failures_max || this.#waited_ms > wait_total_ms)
      throw unavailable(`${error.message} It was tried ${this.#transient} times.`, error);
    return { wait_ms, is_reported: true };
  }
}

/**
 * The messages without the blocks that the API refuses. An assistant message must not be empty, so it gets a
 * placeholder.
 */
function withoutRefused(messages: ModelMessage[], left_out: Set<ModelErrorKind>): ModelMessage[] {
  if (left_out.size === 0) return messages;
  return messages.map(({ role, content }) => {
    const kept = left_out.has('thinking_refused') ? content.filter(({ type }) => !type.endsWith('thinking')) : content;
    const blocks = kept.length > 0 ? kept : [{ type: 'text', text: '(a thought)' }];
    return { role, content: left_out.has('image_refused') ? blocks.map(withoutImages) : blocks };
  });
}

function withoutImages(block: ModelMessage['content'][number]): ModelMessage['content'][number] {
  if (block.type === 'image') return { type: 'text', text: '[an image that the API did not accept]' };
  const { content } = block;
  return Array.isArray(content) ? { ...block, content: content.map(withoutImages) } : block;
}
