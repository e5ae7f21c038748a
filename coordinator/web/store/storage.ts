import type { SessionStore } from '../../client/session.ts';
import type { Change, MirrorStorage } from '../../client/sync/storage.ts';
import type { IDBPTransaction } from 'idb';
import { filesOf, type Entry, type OutboxStorage } from '../../client/sync/outbox-entry.ts';
import { isFull, LOGIN, type Database, type Db, type Kept, type SeenDiff, type Tables } from './database.ts';
import type { KeptFile } from './kept-file.ts';
import { locked } from './lock.ts';
import { giveText, type GivenText } from './texts.ts';
import { writtenFor } from './written.ts';

/** The logs of this many errands are kept: of the newest, and of those that are open. */
const LOGS_MAX = 40;
/** The first words of the keys of what belongs to one decision. */
const ANSWER_DRAFTS: ReadonlySet<string> = new Set(['answer', 'ticks']);
const ONE = 'one';

/** Which errands are open. */
type Open = { has: (id: string) => boolean };

/** The log-in. All tabs share it. */
export function sessionStore(database: Database): SessionStore {
  return {
    read: () => database.use((db) => db.get('login', LOGIN)),
    // A log-out does not wait for the lock: it may be held over a request.
    renew: (used, renewed) =>
      database.use(async (db) => {
        const { store, done } = db.transaction('login', 'readwrite');
        const is_kept = (await store.get(LOGIN))?.refresh_token === used;
        if (is_kept) void store.put(renewed, LOGIN);
        await done;
        return is_kept;
      }),
    locked: (act) => locked(`${database.name} login`, act),
  };
}

/**
 * What is known of the server. `onFull`: the device has no room even without the logs of other errands. From then on
 * nothing more is stored, since it would have a gap: what the device has stays true up to its cursor, and the next
 * start goes on from there.
 */
export function mirrorStorage(database: Kept, onFull: () => void = () => undefined): MirrorStorage {
  let full = false;
  return {
    load: async () => {
      // At once: the list waits for it at each start.
      const stored = await database.use((db) => Promise.all([db.get('known', ONE), db.getAll('tasks')]));
      const [known, tasks = []] = stored ?? [];
      return known && { ...known, tasks };
    },
    loadEvents: async (id, count, before = Number.MAX_SAFE_INTEGER) => {
      const events = await database.use(async (db) => {
        const { store } = db.transaction('events');
        const between = (from: [string, number]) => IDBKeyRange.bound(from, [id, before], false, true);
        // From the end: a long log is not read as a whole.
        const last = await store.openKeyCursor(between([id, 0]), 'prev');
        const first = count > 1 ? await last?.advance(count - 1) : last;
        return last ? store.getAll(between(first?.key ?? [id, 0])) : [];
      });
      return events ?? [];
    },
    save: async (change) => {
      if (full) return;
      try {
        // First: what is left over would never be named again.
        if (change.deleted) await pruneWritten(database, change.deleted);
        await save(database, change);
      } catch (error) {
        if (!isFull(error)) throw error;
        full = true;
        onFull();
      }
    },
  };
}

async function save(database: Kept, stored: Change) {
  const { cursor, epoch, older, tasks = [], events = [], log_restarts, beside, forget } = stored;
  const { deleted = [], removed = [], unlisted = [], went_back = false } = stored;
  await database.use(async (db) => {
    const change = db.transaction(['known', 'tasks', 'events', 'diffs'], 'readwrite');
    const [known, tasks_kept, events_kept] = [
      change.objectStore('known'),
      change.objectStore('tasks'),
      change.objectStore('events'),
    ];
    if (forget) for (const name of change.objectStoreNames) void change.objectStore(name).clear();
    if (log_restarts !== undefined) void events_kept.delete(logOf(log_restarts));
    // All that is read, before anything is written: a write that fails for want of room would fail the reads after it.
    const [before, ...kept] = await Promise.all([known.get(ONE), ...tasks.map(({ id }) => tasks_kept.get(id))]);
    const [first] = events;
    const joins = !first || beside === undefined || (await events_kept.getKey([first.task_id, beside])) !== undefined;
    // Another window may be ahead of this one. What it does not know any more of that time was deleted. With a cursor
    // of 0 all errands come again, one by one.
    const { cursor: ahead = 0 } = went_back || cursor === 0 ? {} : (before ?? {});
    const is_behind = cursor !== undefined && cursor < ahead;
    const after = {
      cursor: Math.max(cursor ?? 0, ahead),
      epoch: epoch ?? before?.epoch,
      older: older === undefined ? before?.older : older,
    };
    if (after.epoch !== undefined && !forget) void known.put({ ...after, epoch: after.epoch }, ONE);
    for (const [i, task] of tasks.entries()) {
      const { newest_event_id: of = 0 } = task;
      const newest = kept[i]?.newest_event_id ?? 0;
      const is_older = kept[i] ? newest > of : is_behind && of <= ahead;
      if (went_back || !is_older) void tasks_kept.put(task);
    }
    if (joins) for (const event of events) void events_kept.put(event);
    for (const id of unlisted) void tasks_kept.delete(id);
    for (const id of [...deleted, ...removed]) {
      void tasks_kept.delete(id);
      void events_kept.delete(logOf(id));
      void change.objectStore('diffs').delete(diffsOf(id));
    }
    await change.done;
  });
}

/** Removes the logs that are too many: those of the oldest errands that are not open. */
export async function pruneLogs(database: Kept, open: Open): Promise<void> {
  await database.use((db) => removeLogs(db, (ids) => ids.slice(0, -LOGS_MAX).filter((id) => !open.has(id))));
}

/** Removes the logs of all errands but those that are open. They come again from the server. */
export async function dropLogs(db: Db, open: Open): Promise<void> {
  await removeLogs(db, (ids) => ids.filter((id) => !open.has(id)));
}

/** Removes the logs and diffs that `choose` chooses among the ids of all errands that have some, oldest first. */
async function removeLogs(db: Db, choose: (ids: readonly string[]) => readonly string[]): Promise<void> {
  const change = db.transaction(['events', 'diffs'], 'readwrite');
  const [events, diffs] = [change.objectStore('events'), change.objectStore('diffs')];
  const ids = new Set((await diffs.getAllKeys()).map((key) => key.split('/', 1)[0] ?? ''));
  // Jumps from errand to errand, without reading the events of each.
  let cursor = await events.openKeyCursor();
  while (cursor) {
    const [id] = cursor.key;
    ids.add(id);
    cursor = await cursor.continue([id, Number.MAX_SAFE_INTEGER]);
  }
  for (const id of choose([...ids].sort())) {
    void events.delete(logOf(id));
    void diffs.delete(diffsOf(id));
  }
  await change.done;
}

/**
 * Removes what was written, ticked and attached for decisions that are not open any more, and the files that are in the
 * outbox no more: the app may have died before it removed them.
 */
export async function pruneDrafts(database: Kept, open: ReadonlySet<string>): Promise<void> {
  await removeDrafts(database, ({ draft, waits }) => {
    const [kind = '', need_id = ''] = draft?.split(' ') ?? [];
    return !waits && (draft === undefined || (ANSWER_DRAFTS.has(kind) && !open.has(need_id)));
  });
}

/**
 * Removes what was written and attached for errands, and noted of them: their keys name the errand. What is in the
 * outbox stays.
 */
async function pruneWritten(database: Kept, task_ids: readonly string[]): Promise<void> {
  await removeDrafts(database, ({ draft, waits }) => !waits && task_ids.includes(draft?.split(' ')[1] ?? ''));
}

/** `draft`: the key of a text, or what a file is attached to. `waits`: the file is in the outbox. */
type Draft = { draft: string | undefined; waits: boolean };

async function removeDrafts(database: Kept, isOver: (each: Draft) => boolean): Promise<void> {
  await database.use(async (db) => {
    const change = db.transaction(['texts', 'files', 'outbox'], 'readwrite');
    const [texts, files] = [change.objectStore('texts'), change.objectStore('files')];
    const waiting = new Set((await change.objectStore('outbox').getAll()).flatMap(filesOf));
    for (const draft of await texts.getAllKeys()) if (isOver({ draft, waits: false })) void texts.delete(draft);
    for (const { id, draft } of await files.getAll())
      if (isOver({ draft, waits: waiting.has(id) })) void files.delete(id);
    await change.done;
  });
}

/** The files of a draft, in the order in which they were added, without those that are in the outbox. */
export async function filesOfDraft(db: Db, draft: string): Promise<KeptFile[]> {
  const look = db.transaction(['files', 'outbox']);
  const [files, entries] = await Promise.all([look.objectStore('files').getAll(), look.objectStore('outbox').getAll()]);
  const waiting = new Set(entries.flatMap(filesOf));
  return files.filter((file) => file.draft === draft && !waiting.has(file.id));
}

type OutboxNews = {
  /** Something in it has changed. */
  changed: () => void;
  /** Runs what gives words back; see `giving` of the texts. */
  giving: <T>(give: () => Promise<T>) => Promise<T>;
  /** These texts have become what was taken back, and its files are with its draft. */
  gaveBack: (texts: readonly GivenText[]) => void;
};

export function outboxStorage(database: Kept, news: Partial<OutboxNews> = {}): OutboxStorage {
  const { changed, giving, gaveBack } = news;
  return {
    // Keys are ids, which sort by time.
    load: async () => (await database.use((db) => db.getAll('outbox'))) ?? [],
    put: async (entry) => {
      await database.use((db) => db.put('outbox', entry));
      changed?.();
    },
    change: async (key, next, gives_back = false) => {
      const act = async () => {
        const made = await changeEntry(database, key, next, gives_back);
        if (made.given) gaveBack?.(made.given);
        return made;
      };
      const { before, after } = gives_back && giving ? await giving(act) : await act();
      if (before && after !== before) changed?.();
      return after;
    },
    locked: (act) => locked(`${database.name} outbox`, act),
    uploading: (act) => locked(`${database.name} uploads`, act),
  };
}

async function changeEntry(
  database: Kept,
  key: string,
  next: (stored: Entry) => Entry | null,
  gives_back: boolean,
): Promise<{ before: Entry | undefined; after: Entry | null; given: GivenText[] | undefined }> {
  const made = await database.use(async (db) => {
    const change = db.transaction(['outbox', 'texts', 'files'], 'readwrite');
    const store = change.objectStore('outbox');
    const before = await store.get(key);
    const after = before ? next(before) : null;
    if (after && after !== before) void store.put(after);
    if (before && !after) void store.delete(key);
    const given = before && !after && gives_back ? await giveBack(change, before) : undefined;
    await change.done;
    return { before, after, given };
  });
  return made ?? { before: undefined, after: null, given: undefined };
}

async function giveBack(
  change: IDBPTransaction<Tables, ('outbox' | 'texts' | 'files')[], 'readwrite'>,
  entry: Entry,
): Promise<GivenText[]> {
  const { texts, draft } = writtenFor(entry.action);
  const given: GivenText[] = [];
  for (const [key, give] of texts) given.push(await giveText(change.objectStore('texts'), key, give));
  const files = change.objectStore('files');
  for (const id of filesOf(entry)) {
    const file = await files.get(id);
    if (file && draft !== undefined) void files.put({ ...file, draft });
  }
  return given;
}

/** The diffs that were seen. */
export function diffStorage(database: Kept) {
  return {
    read: (task_id: string, repository?: string) => database.use((db) => db.get('diffs', diffKey(task_id, repository))),
    write: async (task_id: string, diff: SeenDiff, repository?: string) => {
      await database.use((db) => db.put('diffs', diff, diffKey(task_id, repository)));
    },
  };
}

function diffKey(task_id: string, repository: string | undefined): string {
  return repository === undefined ? task_id : `${task_id}/${repository}`;
}

/** The diffs of all repositories of an errand. */
function diffsOf(task_id: string): IDBKeyRange {
  return IDBKeyRange.bound(task_id, `${task_id}/\uffff`);
}

function logOf(task_id: string): IDBKeyRange {
  return IDBKeyRange.bound([task_id, 0], [task_id, Number.MAX_SAFE_INTEGER]);
}
