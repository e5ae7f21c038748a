import { setTimeout as pause } from 'node:timers/promises';
import type { WorkerEvent } from '../../protocol/events.ts';
import { ModelError, type Message, type ModelAnswer, type ModelClient, type ModelRequest } from '../model/client.ts';
import type { Report } from '../base/work.ts';
import { Stopped } from './stopped.ts';

export type RetryPace = {
  /** The first wait; each further one is twice as long, up to the most. */
  backoff_first_ms: number;
  backoff_most_ms: number;
  /** Failures in a row of one request until it is given up. */
  failures_max: number;
  /** What one request may wait for in all, a limit of the API included. */
  wait_total_ms: number;
};

/** A coordinator that has come back is to be noticed soon. */
const AWAY_MS_MAX = 5_000;

/**
 * Makes a request until it is answered: the one owner of retries. It also knows what to do about a history that the API refuses: it is sent without its
 * thinking, or without its images, from then on.
 */
export class Asker {
  readonly #client: ModelClient;
  readonly #report: Report;
  readonly #pace: RetryPace;
  #without = new Set<string>();
  /** The request before did not fit: this one asks for a shorter context. */
  tight = false;

  constructor(client: ModelClient, report: Report, pace: RetryPace) {
    this.#client = client;
    this.#report = report;
    this.#pace = pace;
  }

  /** Rejects with `Stopped` where there is no answer to be had, or with the signal's reason. */
  async ask(
    turn: number,
    ref: string,
    request: Omit<ModelRequest, 'tight'>,
    signal: AbortSignal,
  ): Promise<ModelAnswer> {
    let waited_ms = 0;
    let away = 0;
    for (let failures = 0; ;) {
      try {
        this.#report.waitingFor({ kind: 'model', since: new Date().toISOString() });
        const messages = reduced(request.messages, this.#without);
        const answer = await this.#client.ask({ ...request, messages, tight: this.tight }, signal, {
          onText: (kind, text) => this.#report.delta({ ref, kind, text }),
          onBytes: () => this.#report.heard(),
        });
        this.#report.waitingFor(null);
        return answer;
      } catch (error) {
        this.#report.waitingFor(null);
        if (!(error instanceof ModelError)) throw error;
        if (error.fault === 'away') {
          // A coordinator comes back, and nothing was asked of the model: that is waited for until the attempt's own end, and told once.
          const wait_ms = Math.min(this.#backoff(++away), AWAY_MS_MAX);
          if (away === 1) await this.#retried(turn, ref, error, wait_ms);
          await this.#wait(wait_ms, error.message, signal);
          continue;
        }
        away = 0;
        if (error.fault !== 'transient') {
          this.#mend(error);
          await this.#retried(turn, ref, error, 0);
          continue;
        }
        failures++;
        const wait_ms = error.retry_after_ms ?? this.#backoff(failures);
        waited_ms += wait_ms;
        if (failures >= this.#pace.failures_max || waited_ms > this.#pace.wait_total_ms)
          throw new Stopped('model_unavailable', `${error.message} It was tried ${failures} times.`, error);
        await this.#retried(turn, ref, error, wait_ms);
        await this.#wait(wait_ms, error.message, signal);
      }
    }
  }

  /** Changes what the next try sends, so that it may be taken; throws `Stopped` where nothing is left to change. */
  #mend(error: ModelError): void {
    switch (error.fault) {
      case 'overflow':
        if (this.tight) throw new Stopped('context_exhausted', CONTEXT_EXHAUSTED, error);
        this.tight = true;
        return;
      case 'thinking':
      case 'image':
        if (this.#without.has(error.fault)) throw new Stopped('model_rejected', error.message, error);
        this.#without.add(error.fault);
        return;
      case 'budget':
        throw new Stopped('budget_exhausted', error.message, error);
      case 'unavailable':
        throw new Stopped('model_unavailable', error.message, error);
      case 'rejected':
      case 'away':
      case 'transient':
        throw new Stopped('model_rejected', error.message, error);
    }
  }

  async #retried(turn: number, ref: string, error: ModelError, wait_ms: number): Promise<void> {
    const event: WorkerEvent = {
      type: 'turn.retried',
      body: { turn, ref, reason: error.message.slice(0, 2000), retry_at: new Date(Date.now() + wait_ms).toISOString() },
    };
    await this.#report.emit(event);
  }

  async #wait(ms: number, reason: string, signal: AbortSignal): Promise<void> {
    const now = Date.now();
    this.#report.waitingFor({
      kind: 'limit',
      since: new Date(now).toISOString(),
      until: new Date(now + ms).toISOString(),
      reason: reason.slice(0, 500),
    });
    await pause(ms, undefined, { signal }).catch(() => signal.throwIfAborted());
  }

  #backoff(failures: number): number {
    const { backoff_first_ms, backoff_most_ms } = this.#pace;
    const full = Math.min(backoff_first_ms * 2 ** (failures - 1), backoff_most_ms);
    return full * (0.75 + Math.random() / 4);
  }
}

export const CONTEXT_EXHAUSTED =
  "The conversation no longer fits into the model's context, even shortened. Give a new task with what is left to do.";

/** The messages without the blocks that the API refuses. An answer that was nothing else leaves words in its place. */
function reduced(messages: Message[], without: Set<string>): Message[] {
  if (without.size === 0) return messages;
  return messages.map(({ role, content }) => {
    const kept = without.has('thinking') ? content.filter(({ type }) => !type.endsWith('thinking')) : content;
    const blocks = kept.length > 0 ? kept : [{ type: 'text', text: '(a thought)' }];
    return { role, content: without.has('image') ? blocks.map(withoutImages) : blocks };
  });
}

function withoutImages(block: Message['content'][number]): Message['content'][number] {
  if (block.type === 'image') return { type: 'text', text: '[an image that the API did not take]' };
  const { content } = block;
  return Array.isArray(content) ? { ...block, content: content.map(withoutImages) } : block;
}
