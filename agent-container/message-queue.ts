import { EventEmitter, once } from 'node:events';
import { LIMITS } from '../protocol/limits.ts';
import type { Message } from '../protocol/worker-schemas.ts';
import { isServerNote } from './base/server-note.ts';
import type { MessageSource } from './base/work.ts';

/** Takes messages at the coordinator. Resolves with them as they are now; those that were withdrawn are missing. */
type TakeMessages = (ids: string[]) => Promise<Message[]>;

/**
 * Messages come by push and with callback replies, and are repeated until acknowledged. Here each is queued once, by
 * its id, and may change until it is taken at the coordinator.
 */
export class MessageQueue implements MessageSource {
  readonly #takeAtCoordinator: TakeMessages;
  /** Those that were taken or withdrawn. */
  readonly #done = new Set<string>();
  readonly #queued = new Map<string, Message>();
  readonly #arrivals = new EventEmitter();
  /** Taken at the coordinator, and not yet given out. */
  #taken: Message[] = [];

  constructor(take: TakeMessages) {
    this.#takeAtCoordinator = take;
  }

  /** Ignores messages that are part of the conversation already. */
  skip(ids: string[]): void {
    for (const id of ids) this.#done.add(id);
  }

  put(messages: Message[]): void {
    const fresh = messages.filter(({ id }) => !this.#done.has(id));
    for (const message of fresh) this.#queued.set(message.id, message);
    if (fresh.length > 0) this.#arrivals.emit('message');
  }

  async take(turn_is_over: boolean): Promise<Message[]> {
    await this.#fetch(turn_is_over);
    const taken = this.#taken;
    this.#taken = [];
    return taken;
  }

  async areWaiting(): Promise<boolean> {
    await this.#fetch(false);
    return this.#taken.length > 0;
  }

  async queued(signal: AbortSignal): Promise<void> {
    await this.#dueOr(() => this.#taken.length > 0, signal);
  }

  async arrived(signal: AbortSignal): Promise<void> {
    const isThere = () => this.#taken.some(({ text }) => !isServerNote(text));
    // One that was withdrawn just before is no arrival.
    do {
      await this.#dueOr(isThere, signal);
      await this.#fetch(false);
    } while (!isThere());
  }

  /** Resolves when a message is to be taken before the end of the turn, or this holds. */
  async #dueOr(isThere: () => boolean, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    while (!isThere() && this.#due(false).length === 0) {
      await once(this.#arrivals, 'message', { signal }).catch((error: unknown) => {
        signal.throwIfAborted();
        throw error;
      });
    }
  }

  async #fetch(turn_is_over: boolean): Promise<void> {
    // More may come while some are being taken.
    for (let some = this.#due(turn_is_over); some.length > 0; some = this.#due(turn_is_over)) {
      const taken = await this.#takeAtCoordinator(some);
      this.#taken.push(...taken.filter(({ id }) => !this.#done.has(id)));
      for (const id of some) {
        this.#done.add(id);
        this.#queued.delete(id);
      }
    }
  }

  /** The ids of the first messages to take, as many as one call may take. */
  #due(turn_is_over: boolean): string[] {
    const due = [...this.#queued.values()].filter(({ hear }) => turn_is_over || hear !== 'after_turn');
    return due
      .map(({ id }) => id)
      .sort()
      .slice(0, LIMITS.messages_per_take_max);
  }
}
