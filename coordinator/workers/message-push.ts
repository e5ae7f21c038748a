import type { Logger } from '../base/logger.ts';
import type { Db } from '../sqlite/database.ts';
import { listPendingMessages } from '../sqlite/messages.ts';
import type { WorkerChannel } from './runner.ts';
import { postMessages } from './worker-client.ts';

/** Pushes a task's pending messages to its worker. If that fails, the reply to the next callback has them. */
export class MessagePush {
  readonly #db: Db;
  readonly #task_id: string;
  readonly #logger: Logger;
  #pushing = false;
  #push_again = false;

  constructor(db: Db, task_id: string, logger: Logger) {
    this.#db = db;
    this.#task_id = task_id;
    this.#logger = logger;
  }

  /**
   * Makes one push at a time; the next one has the messages that come meanwhile. The worker ignores messages that it
   * has seen. Starts no push once the signal has aborted. Never rejects.
   */
  async push(channel: WorkerChannel, signal: AbortSignal): Promise<void> {
    this.#push_again = true;
    if (this.#pushing) return;
    this.#pushing = true;
    while (this.#push_again && !signal.aborted) {
      this.#push_again = false;
      try {
        const messages = listPendingMessages(this.#db, this.#task_id);
        if (messages.length > 0) await postMessages(channel, messages);
      } catch (error) {
        this.#logger.info({ err: error }, 'message push failed; the next callback brings the messages');
      }
    }
    this.#pushing = false;
  }
}
