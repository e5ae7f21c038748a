import { batch, signal, type Signal } from '@preact/signals';
import type { Project } from '../../../protocol/api.ts';
import type { Task } from '../../../protocol/task.ts';
import { openNeeds } from '../../../protocol/without-schemas.ts';
import type { Client } from '../../client/client.ts';
import { Incomplete, isGone, type Failure } from '../../client/errors.ts';
import { Live, type LiveState } from '../../client/sync/live.ts';
import { Mirror } from '../../client/sync/mirror.ts';
import type { Entry } from '../../client/sync/outbox-entry.ts';
import { Acts } from './acts.ts';
import type { SessionDatabase } from './database.ts';
import { Diffs } from './diffs.ts';
import { Files } from './files.ts';
import { incomplete } from './incomplete.ts';
import { onBack } from './on-back.ts';
import { Push } from './push.ts';
import { readProjects } from './read-projects.ts';
import { later } from './later.ts';
import { NOTHING, type OpenErrand } from './open-errand.ts';
import { dropLogs, mirrorStorage, pruneDrafts, pruneLogs } from './storage.ts';
import { Texts } from './texts.ts';

/** A list changes at most this often, and a conversation once a frame. */
const LIST_MS = 150;
const FRAME_MS = 16;
/** How often what could not be sent or read is tried, whether there is a connection or not. */
const INSIST_MS = 15_000;

/** What a person who is logged in sees and does. It draws from what the device knows, and follows the server. */
export class Session {
  /** All errands, newest first; undefined until anything is known. */
  readonly tasks = signal<readonly Task[] | undefined>(undefined);
  /** Whether the server may have errands older than these. */
  readonly has_older = signal(false);
  readonly live = signal<LiveState | undefined>(undefined);
  /** The device has no room for what is new. */
  readonly full = signal(false);
  /** The projects as they were last read; undefined until then. */
  readonly projects = signal<readonly Project[] | undefined>(undefined);
  readonly client: Client;
  readonly acts: Acts;
  readonly files: Files;
  readonly push: Push;
  readonly texts: Texts;
  readonly diffs: Diffs;
  readonly #database: SessionDatabase;
  readonly #mirror: Mirror;
  readonly #live: Live;
  readonly #errands = new Map<string, { view: Signal<OpenErrand>; draw: () => void; viewers: number }>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #hearNoMore: () => void = () => undefined;
  #projects_read: Promise<Failure | undefined> | undefined;

  /** `onEnded`: the server has ended the log-in. */
  constructor(database: SessionDatabase, client: Client, onEnded: () => void) {
    this.client = client;
    this.#database = database;
    database.makeRoom = (db) => dropLogs(db, this.#errands);
    this.texts = new Texts(database);
    this.push = new Push(client, this.texts);
    this.diffs = new Diffs(database, client, this.full);
    const drawList = later(() => this.#drawList(), LIST_MS);
    const storage = mirrorStorage(database, () => (this.full.value = true));
    this.#mirror = new Mirror(client, storage, ({ conversation, tasks = [] }) => {
      for (const id of tasks) if (this.#errands.has(id)) this.#change(id, { gone: !this.#mirror.task(id) });
      if (conversation === undefined) drawList();
      else this.#errands.get(conversation)?.draw();
    });
    this.files = new Files(database, client);
    this.texts.start(() => this.files.changes.value++);
    this.acts = new Acts(
      { database, client, files: this.files, texts: this.texts },
      {
        changed: drawList,
        task: (task) => this.#mirror.put(task),
        reachable: () => this.live.peek()?.kind === 'live',
      },
    );
    this.#live = new Live(client, this.#mirror, (state) => {
      this.live.value = state;
      if (state.kind === 'live') this.#onLive();
      if (state.kind === 'logged_out') onEnded();
    });
  }

  /** Tries what waits, in case that the server was busy. */
  readonly #insist = (): void => {
    if (!navigator.onLine) return;
    if (this.live.peek()?.kind !== 'live') return void this.acts.insist();
    this.#readFailed();
    void this.acts.outbox.flush();
  };

  /** Reads what the device knows. */
  async load(): Promise<void> {
    await Promise.all([this.#mirror.load(), this.acts.outbox.load()]);
    this.#drawList();
  }

  /** Follows the server, until `stop`. */
  start(): void {
    this.#timer = setInterval(this.#insist, INSIST_MS);
    this.#live.start();
    this.#hearNoMore = onBack(this.#database.name, {
      here: this.#onBack,
      // It may wait for the new token that this window has asked for.
      elsewhere: () => this.client.hurry(),
    });
    document.addEventListener('freeze', this.#onFreeze);
    void pruneLogs(this.#database, this.#errands);
    // Without this Safari removes everything after a week without a visit.
    void (navigator.storage as StorageManager | undefined)?.persist();
  }

  async stop(): Promise<void> {
    this.push.stop();
    clearInterval(this.#timer);
    this.#hearNoMore();
    document.removeEventListener('freeze', this.#onFreeze);
    this.acts.stop();
    this.texts.stop();
    await this.#live.stop();
  }

  /** Follows an errand until the returned function is called. */
  open(id: string): () => void {
    const errand = this.#errand(id);
    errand.viewers++;
    this.#read(id);
    return () => {
      if (--errand.viewers > 0) return;
      this.#errands.delete(id);
      this.#mirror.close(id);
      this.#live.leave(id);
    };
  }

  /** Reads a page of older errands into the list. */
  older(): Promise<void> {
    return this.#mirror.older();
  }

  /** Shows an earlier part of an open errand, or many until aborted. Resolves with false if there may be more. */
  earlier(id: string, many?: AbortSignal): Promise<boolean> {
    return this.#mirror.earlier(id, many);
  }

  /** The person reads an open errand at its end: the front of a long one need not be kept in memory. */
  shorten(id: string): void {
    this.#mirror.shorten(id).catch(() => undefined);
  }

  /** Reads the long texts of a row whole. Without a network they stay cut. */
  whole(id: string, event_ids: readonly number[]): void {
    this.#mirror.whole(id, event_ids).catch(() => undefined);
  }

  /** The person has seen an errand as it is now. Without a network it stays unread. */
  seen(id: string): void {
    this.#mirror.read(id).catch(() => undefined);
  }

  /** The ids of the errands that the server finds, newest first: among all there are, not only those of this device. */
  async search(q: string): Promise<readonly Task[]> {
    return (await this.client.call('listTasks', { query: { q, limit: 50 } })).items;
  }

  errand(id: string): Signal<OpenErrand> {
    return this.#errand(id).view;
  }

  /** Takes over an errand that the server has just changed. Without a network that comes later. */
  async put(task: Task): Promise<void> {
    await this.#mirror.put(task).catch(() => undefined);
  }

  /** Deletes an errand; it needs the server. */
  async remove(id: string): Promise<void> {
    await this.client.call('deleteTask', { params: { id } });
    await this.#mirror.removed([id]);
  }

  /** Reads the projects: first those that this device knows. Resolves with why the server's could not be read. */
  readProjects(): Promise<Failure | undefined> {
    // One read for all that ask in one turn, such as the parts of a screen.
    this.#projects_read ??= Promise.resolve().then(() => {
      this.#projects_read = undefined;
      return readProjects(this);
    });
    return this.#projects_read;
  }

  readonly #onBack = (): void => {
    // A page that was frozen did not hear of other windows.
    void this.acts.outbox.load();
    this.#live.wake();
  };

  #onLive(): void {
    // What speaks with the server is there. A part that an open errand lacks is missed again below.
    incomplete.value = false;
    void this.acts.outbox.flush();
    this.#seeErrands();
    void pruneDrafts(this.#database, this.#openNeeds());
    this.#readFailed();
  }

  /** Reads what could not be read before, also what has begun anew since. The server may have refused it alone. */
  #readFailed(): void {
    for (const [id, { view }] of this.#errands) {
      const { failed, loaded } = view.peek();
      if (failed || (loaded && this.#mirror.conversation(id)?.last_id === 0)) this.#read(id);
    }
  }

  readonly #onFreeze = (): void => this.#database.close();

  #drawList(): void {
    if (!this.#mirror.knows) return;
    const archives = new Map(this.acts.entries.peek().flatMap(archiving));
    const tasks = this.#mirror
      .tasks()
      .map((task) => (archives.has(task.id) ? { ...task, archived: archives.get(task.id) } : task))
      .sort((a, b) => (a.id < b.id ? 1 : -1));
    this.tasks.value = tasks;
    this.has_older.value = this.#mirror.has_older;
    void this.acts.outbox.seenOpen(this.#openNeeds());
    this.#seeErrands();
  }

  /** Before everything has arrived, an errand that is not here may still come. */
  #seeErrands(): void {
    if (this.live.peek()?.kind === 'live')
      this.acts.outbox.seenErrands((id) => this.#mirror.isThere(id)).catch(() => undefined);
  }

  #openNeeds(): ReadonlySet<string> {
    return new Set(
      this.#mirror
        .tasks()
        .flatMap(openNeeds)
        .map(({ id }) => id),
    );
  }

  #errand(id: string) {
    const known = this.#errands.get(id);
    if (known) return known;
    const view = signal(NOTHING);
    const errand = { view, draw: later(() => this.#drawErrand(id), FRAME_MS), viewers: 0 };
    this.#errands.set(id, errand);
    return errand;
  }

  #read(id: string): void {
    this.#mirror
      .open(id)
      .then((last_id) => {
        if (last_id > 0 && this.#errands.has(id)) this.#live.follow(id, last_id);
        this.#change(id, { loaded: true, failed: false });
      })
      .catch((error: unknown) => {
        if (error instanceof Incomplete) incomplete.value = true;
        const gone = isGone(error);
        this.#change(id, { loaded: true, gone, failed: !gone });
      });
  }

  #drawErrand(id: string): void {
    const conversation = this.#mirror.conversation(id);
    if (!conversation) return;
    const { items, drafts, has_beginning, last_id } = conversation;
    batch(() => {
      this.#change(id, { items, drafts, has_beginning });
      const ids = items.flatMap((item) => (item.kind === 'person' ? (item.message_id ?? []) : []));
      void this.acts.outbox.seen(id, new Set(ids), last_id);
    });
  }

  #change(id: string, change: Partial<OpenErrand>): void {
    const errand = this.#errands.get(id);
    if (errand) errand.view.value = { ...errand.view.value, ...change };
  }
}

/** What an entry of the outbox makes of an errand that it archives, until the server has it. */
function archiving({ action, refused }: Entry): [string, boolean][] {
  return action.do === 'archive' && !refused ? [[action.task_id, action.archived]] : [];
}
