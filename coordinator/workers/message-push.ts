import type { Logger } from 'pino';
import type { Link } from './worker-directories.ts';
import type { Db } from '../sqlite/database.ts';
import { listPendingMessages } from '../sqlite/messages.ts';
import { postMessages } from './worker-client.ts';

/** Pushes what is said to a task to its worker. What does not arrive comes with the next callback's answer. */
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
   * One push at a time: a message that comes meanwhile is in the next. A message that the worker has seen changes nothing there. Begins none
   * once the signal has aborted. Never rejects.
   */
  async push(link: Link, signal: AbortSignal): Promise<void> {
    this.#push_again = true;
    if (this.#pushing) return;
    this.#pushing = true;
    while (this.#push_again && !signal.aborted) {
      this.#push_again = false;
      try {
        const messages = listPendingMessages(this.#db, this.#task_id);
        if (messages.length > 0) await postMessages(link, messages);
      } catch (error) {
        this.#logger.info({ err: error }, 'messages could not be pushed; they come with the next callback');
      }
    }
    this.#pushing = false;
  }
}
