import type { LogEvent } from '../../../protocol/events.ts';
import type { Task } from '../../../protocol/task.ts';
import type { SessionStore, Stored } from '../../../coordinator/client/session.ts';
import type { MirrorStorage } from '../../../coordinator/client/sync/storage.ts';
import type { Entry, OutboxStorage } from '../../../coordinator/client/sync/outbox-entry.ts';

/** A device without a disk: what it stores lasts as long as this object. */
export class MemoryDevice {
  readonly tasks = new Map<string, Task>();
  readonly events = new Map<number, LogEvent>();
  readonly entries = new Map<string, Entry>();
  known: { cursor: number; epoch: string; older?: string | null | undefined } | undefined;
  stored: Stored;
  #turn: Promise<unknown> = Promise.resolve();
  #uploads: Promise<unknown> = Promise.resolve();

  constructor(stored: Stored) {
    this.stored = stored;
  }

  readonly session: SessionStore = {
    read: () => Promise.resolve(this.stored),
    renew: (_used, stored) => {
      this.stored = stored;
      return Promise.resolve(true);
    },
    locked: (act) => this.#inTurn(act),
  };

  readonly mirror: MirrorStorage = {
    load: () => Promise.resolve(this.known && { ...this.known, tasks: [...this.tasks.values()] }),
    loadEvents: (id, count, before = Infinity) =>
      Promise.resolve(
        [...this.events.values()]
          .filter((event) => event.task_id === id && event.id < before)
          .sort((a, b) => a.id - b.id)
          .slice(-count),
      ),
    save: ({
      cursor,
      epoch,
      older = this.known?.older,
      tasks = [],
      deleted = [],
      removed = [],
      unlisted = [],
      events = [],
      beside,
      log_restarts,
      forget = false,
    }) => {
      for (const event of this.events.values()) if (event.task_id === log_restarts) this.events.delete(event.id);
      if (forget) for (const table of [this.tasks, this.events]) table.clear();
      const known = { cursor: cursor ?? this.known?.cursor ?? 0, epoch: epoch ?? this.known?.epoch };
      this.known =
        known.epoch === undefined || forget ? undefined : { cursor: known.cursor, epoch: known.epoch, older };
      for (const task of tasks) this.tasks.set(task.id, task);
      if (beside === undefined || this.events.has(beside)) for (const event of events) this.events.set(event.id, event);
      const gone = [...deleted, ...removed];
      for (const id of [...gone, ...unlisted]) this.tasks.delete(id);
      for (const event of this.events.values()) if (gone.includes(event.task_id)) this.events.delete(event.id);
      return Promise.resolve();
    },
  };

  readonly outbox: OutboxStorage = {
    load: () => Promise.resolve([...this.entries.values()]),
    put: (entry) => Promise.resolve(void this.entries.set(entry.key, entry)),
    change: (key, next) => {
      const stored = this.entries.get(key);
      const after = stored ? next(stored) : null;
      if (after) this.entries.set(key, after);
      else this.entries.delete(key);
      return Promise.resolve(after);
    },
    locked: (act) => this.#inTurn(act),
    uploading: (act) => {
      const mine = this.#uploads.then(act, act);
      this.#uploads = mine;
      return mine;
    },
  };

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(act, act);
    this.#turn = mine;
    return mine;
  }
}
