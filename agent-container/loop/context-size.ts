import type { TurnUsage } from '../../protocol/events.ts';
import type { z } from 'zod';

/** How long a conversation is, in tokens, as the API counted them in its requests. */
export class ContextSize {
  /** The requests since the newest summary: how many messages each had, and its tokens. */
  #requests: { messages: number; tokens: number }[] = [];
  /** Of the newest request and its answer. What was added since is not counted yet. */
  tokens = 0;

  /** Adds a request with this number of messages. */
  add(messages: number, usage: z.infer<typeof TurnUsage>): void {
    const tokens = usage.input_tokens + usage.cache_write_tokens + usage.cache_read_tokens;
    this.#requests.push({ messages, tokens });
    this.tokens = tokens + usage.output_tokens;
  }

  /** Starts anew: a summary has taken the place of messages. */
  clear(): void {
    this.#requests = [];
    this.tokens = 0;
  }

  /**
   * How many of the first messages a summary should replace, so that at most `kept_tokens` and at least the newest
   * answer stay word for word. They are the messages of an earlier request, so the API has them in its cache. Null: a
   * summary would not make the conversation much shorter. `must_pay`: what the first request had does not count, since
   * most of it is said again beside a summary.
   */
  cut(kept_tokens: number, must_pay: boolean): number | null {
    const { tokens } = this;
    const request = this.#requests.find((request) => tokens - request.tokens <= kept_tokens) ?? this.#requests.at(-1);
    if (!request || request.messages <= 1) return null;
    const remaining = must_pay ? (this.#requests[0]?.tokens ?? 0) : 0;
    return request.tokens - remaining > tokens / 2 ? request.messages : null;
  }
}
