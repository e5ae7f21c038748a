import type { Message } from '../protocol/worker.ts';
import type { Inbox } from './base/work.ts';

/** Messages come by both legs and come again until they are taken in: here each enters once, by its id. */
export class MessageInbox implements Inbox {
  readonly #seen = new Set<string>();
  #waiting: Message[] = [];
  #arrivals: (() => void)[] = [];

  /** Passes over messages that the conversation holds already. */
  skip(ids: string[]): void {
    for (const id of ids) this.#seen.add(id);
  }

  put(messages: Message[]): void {
    const fresh = messages.filter(({ id }) => !this.#seen.has(id));
    if (fresh.length === 0) return;
    for (const message of fresh) this.#seen.add(message.id);
    this.#waiting.push(...fresh);
    for (const arrived of this.#arrivals.splice(0)) arrived();
  }

  take(): Message[] {
    const taken = this.#waiting;
    this.#waiting = [];
    return taken;
  }

  arrived(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      if (this.#waiting.length > 0) return resolve();
      const aborted = () => {
        this.#arrivals = this.#arrivals.filter((other) => other !== arrived);
        reject(signal.reason);
      };
      const arrived = () => {
        signal.removeEventListener('abort', aborted);
        resolve();
      };
      signal.addEventListener('abort', aborted, { once: true });
      this.#arrivals.push(arrived);
    });
  }
}
