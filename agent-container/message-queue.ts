import { EventEmitter, once } from 'node:events';
import type { Message } from '../protocol/worker.ts';
import type { MessageSource } from './base/work.ts';

/**
 * Messages come by push and with callback replies, and are repeated until acknowledged. Here each is queued once, by
 * its id.
 */
export class MessageQueue implements MessageSource {
  readonly #seen = new Set<string>();
  readonly #arrivals = new EventEmitter();
  #queued: Message[] = [];

  /** Ignores messages that are part of the conversation already. */
  skip(ids: string[]): void {
    for (const id of ids) this.#seen.add(id);
  }

  put(messages: Message[]): void {
    const fresh = messages.filter(({ id }) => !this.#seen.has(id));
    if (fresh.length === 0) return;
    for (const { id } of fresh) this.#seen.add(id);
    this.#queued.push(...fresh);
    this.#arrivals.emit('message');
  }

  take(): Message[] {
    const taken = this.#queued;
    this.#queued = [];
    return taken;
  }

  async arrived(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#queued.length > 0) return;
    await once(this.#arrivals, 'message', { signal }).catch((error: unknown) => {
      signal.throwIfAborted();
      throw error;
    });
  }
}
