import type { CoordinatorEvent } from '../../protocol/coordinator-events.ts';
import type { Logger } from '../base/logger.ts';
import type { EventRow } from './events.ts';

type EventType = CoordinatorEvent['type'];

/** An event of the coordinator as its subscribers get it: the columns of its row, with the body as an object. */
export type Noted<T extends EventType = EventType> = Extract<CoordinatorEvent, { type: T }> &
  Pick<EventRow, 'id' | 'task_id' | 'user_id' | 'attempt' | 'at'>;

/**
 * A fact that leaves no event behind. `removed`: tasks, a project or an account were marked as removed, and their log
 * goes with them. `pulls`: a pull request may have become due. `deliveries`: so may something that a forge told.
 */
export type Notice = 'removed' | 'pulls' | 'deliveries';

/** Ends a subscription. */
export type Unsubscribe = () => void;

type Handler = (event: never) => void;

/**
 * Who is told of what was committed. Handlers run after the commit, in commit order, in the order of their
 * subscription. They do not wait and do not write. One that throws is logged and affects no other.
 */
export class Subscriptions {
  readonly #logger: Logger;
  readonly #by_key = new Map<EventType | Notice, Set<Handler>>();
  readonly #of_all = new Set<(rows: EventRow[]) => void>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Calls `handler` with each committed event of this type. */
  add<T extends EventType>(type: T, handler: (event: Noted<T>) => void): Unsubscribe {
    return this.#add(type, handler);
  }

  /** Calls `handler` on each notice of this kind. */
  addForNotice(notice: Notice, handler: () => void): Unsubscribe {
    return this.#add(notice, handler);
  }

  /** Calls `handler` with all rows of each commit, ids ascending. */
  addForAll(handler: (rows: EventRow[]) => void): Unsubscribe {
    this.#of_all.add(handler);
    return () => void this.#of_all.delete(handler);
  }

  /** Tells the subscribers of one committed transaction, then runs its side effects. */
  publish(committed: { rows: EventRow[]; noted: Noted[]; notices: Notice[]; effects: (() => void)[] }): void {
    const { rows, noted, notices, effects } = committed;
    if (rows.length > 0) for (const handler of this.#of_all) this.#run('all events', () => handler(rows));
    for (const event of noted) this.#tell(event.type, event);
    for (const notice of notices) this.#tell(notice, undefined);
    for (const effect of effects) this.#run('side effect', effect);
  }

  #add(key: EventType | Notice, handler: Handler): Unsubscribe {
    const handlers = this.#by_key.get(key) ?? new Set();
    this.#by_key.set(key, handlers.add(handler));
    return () => void handlers.delete(handler);
  }

  #tell(key: EventType | Notice, event: Noted | undefined): void {
    for (const handler of this.#by_key.get(key) ?? [])
      // `add` ties each handler's parameter to the type that it is stored under.
      this.#run(key, () => (handler as (event: Noted | undefined) => void)(event));
  }

  #run(what: string, handler: () => void): void {
    try {
      handler();
    } catch (error) {
      this.#logger.error({ err: error, what }, 'log subscriber failed');
    }
  }
}
