import type { Signal } from '@preact/signals';
import { deleteDB, openDB, type DBSchema, type IDBPDatabase } from 'idb';
import type { Diff } from '../../../protocol/api.ts';
import type { LogEvent } from '../../../protocol/events.ts';
import type { Task } from '../../../protocol/task.ts';
import type { Stored } from '../../client/session.ts';
import type { KeptFile } from './kept-file.ts';
import type { Entry } from '../../client/sync/outbox-entry.ts';

const VERSION = 2;

/** A diff that was looked at. `before`: the one that was looked at before it; absent: it was the first. */
export type SeenDiff = Diff & { before?: Diff };

export type Tables = DBSchema & {
  /** One log-in, and the cursor with its epoch under `known`. */
  login: { key: string; value: Stored };
  known: { key: string; value: { cursor: number; epoch: string; older?: string | null | undefined } };
  tasks: { key: string; value: Task };
  /** The logs of the errands that were opened, by errand and id. */
  events: { key: [string, number]; value: LogEvent };
  diffs: { key: string; value: SeenDiff };
  outbox: { key: string; value: Entry };
  /** What was written and not sent, by the field it is in; and other small things that the person left so. */
  texts: { key: string; value: string };
  /** The files that wait to be sent: with a draft, or in the outbox. */
  files: { key: string; value: KeptFile };
};

export type Db = IDBPDatabase<Tables>;
type TableName = 'login' | 'known' | 'tasks' | 'events' | 'diffs' | 'outbox' | 'texts' | 'files';
const TABLES: readonly TableName[] = ['login', 'known', 'tasks', 'events', 'diffs', 'outbox', 'texts', 'files'];

/** Under which key the log-in is. */
export const LOGIN = 'one';

/** The name of the database of the app at a path, such as `/errand`, of its host. */
export const databaseName = (base: string): string => `errand${base}`;

/** What the device keeps. `use` resolves with undefined where `act` was not run: there is nothing to read any more. */
export type Kept = { readonly name: string; use: <T>(act: (db: Db) => Promise<T>) => Promise<T | undefined> };

/** The app's own database in the browser. A phone may close it in the background: then it is opened again. */
export class Database implements Kept {
  readonly #name: string;
  /** Removes what the device can do without, if it has no room for something else. */
  makeRoom: (db: Db) => Promise<void> = () => Promise.resolve();
  #opened: Promise<Db> | undefined;

  constructor(name: string) {
    this.#name = name;
  }

  get name(): string {
    return this.#name;
  }

  /**
   * Runs `act` with the database; once more if the browser has closed it meanwhile, or after `makeRoom` if it is
   * full.
   */
  async use<T>(act: (db: Db) => Promise<T>): Promise<T> {
    try {
      return await act(await this.#open());
    } catch (error) {
      if (isFull(error)) await this.makeRoom(await this.#open());
      else if (isClosed(error)) this.close();
      else throw error;
      return act(await this.#open());
    }
  }

  /** Removes everything, such as after a log-out. */
  clear(): Promise<void> {
    return this.#clearIf(() => true);
  }

  /** Removes the database, or where another window holds it at least the log-in. */
  async remove(): Promise<void> {
    void this.use((db) => db.delete('login', LOGIN)).catch(() => undefined);
    this.close();
    await deleteDB(this.#name);
  }

  /** Removes everything if nobody is logged in. */
  clearUnlessLoggedIn(): Promise<void> {
    return this.#clearIf((login) => login === undefined);
  }

  /**
   * Puts a log-in in place of the one before, and resolves with that. If it was somebody else's, everything of theirs
   * is removed.
   */
  async replaceLogin(login: Stored): Promise<Stored | undefined> {
    let before: Stored | undefined;
    await this.#clearIf((stored) => {
      before = stored;
      return stored !== undefined && stored.user_id !== login.user_id;
    }, login);
    return before;
  }

  /** In one step: another window may log in or out at any time. `login`: who is logged in then. */
  async #clearIf(isOver: (login: Stored | undefined) => boolean, login?: Stored): Promise<void> {
    await this.use(async (db) => {
      const change = db.transaction(TABLES, 'readwrite');
      const logins = change.objectStore('login');
      if (isOver(await logins.get(LOGIN))) for (const name of TABLES) void change.objectStore(name).clear();
      if (login) void logins.put(login, LOGIN);
      await change.done;
    });
  }

  close(): void {
    const opened = this.#opened;
    this.#opened = undefined;
    void opened?.then((db) => db.close()).catch(() => undefined);
  }

  #open(): Promise<Db> {
    this.#opened ??= openDB<Tables>(this.#name, VERSION, {
      upgrade: (db, before) => {
        if (before < 2) db.createObjectStore('files', { keyPath: 'id' });
        if (before >= 1) return;
        for (const name of ['login', 'known', 'diffs', 'texts'] as const) db.createObjectStore(name);
        db.createObjectStore('tasks', { keyPath: 'id' });
        db.createObjectStore('events', { keyPath: ['task_id', 'id'] });
        db.createObjectStore('outbox', { keyPath: 'key' });
      },
      // A newer app in another tab waits for this one to let go.
      blocking: () => this.close(),
      terminated: () => (this.#opened = undefined),
    });
    return this.#opened;
  }
}

/**
 * The database as one session uses it, until it ends. From then on there is nothing for it to read and nowhere to
 * write: what it began before, such as an answer that it still reads, could come after the log-out that removes
 * everything, or into what the device keeps of the next person.
 */
export class SessionDatabase implements Kept {
  readonly #database: Database;
  readonly #uses = new Set<Promise<unknown>>();
  #ended = false;

  constructor(database: Database) {
    this.#database = database;
  }

  get name(): string {
    return this.#database.name;
  }

  async use<T>(act: (db: Db) => Promise<T>): Promise<T | undefined> {
    if (this.#ended) return undefined;
    const use = this.#database.use(act);
    this.#uses.add(use);
    try {
      return await use;
    } finally {
      this.#uses.delete(use);
    }
  }

  /** Resolves once what is read and written now has been. */
  async end(): Promise<void> {
    this.#ended = true;
    await Promise.allSettled(this.#uses);
  }

  set makeRoom(makeRoom: Database['makeRoom']) {
    this.#database.makeRoom = makeRoom;
  }

  close(): void {
    this.#database.close();
  }
}

/** A diff that was seen, without the one that was seen before it. */
export function withoutBefore(seen: SeenDiff): Diff {
  const { before: _, ...diff } = seen;
  return diff;
}

/** Whether the device had no room for what was to be stored. */
export function isFull(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'QuotaExceededError';
}

/** Waits until something is stored that the server has too. A device without room for it notes so, and goes on. */
export async function unlessFull(stored: Promise<void>, full: Signal<boolean>): Promise<void> {
  try {
    await stored;
  } catch (error) {
    if (!isFull(error)) throw error;
    full.value = true;
  }
}

function isClosed(error: unknown): boolean {
  return error instanceof DOMException && ['InvalidStateError', 'UnknownError'].includes(error.name);
}
