import type { Delta, LogEvent } from '../../../protocol/events.ts';
import type { Task, TaskChange } from '../../../protocol/task.ts';
import type { Client } from '../client.ts';
import type { Conversation } from '../errand/conversation.ts';
import { isGone, isPassing, refusesOnlyThis } from '../errors.ts';
import { loadWire } from '../load-wire.ts';
import { loadLogs } from './load-logs.ts';
import type { Logs } from './logs.ts';
import type { Hello, Receiver } from './live.ts';
import { readList, readPage } from './read-list.ts';
import type { Change, MirrorStorage } from './storage.ts';

/** What is told about a change: the errands whose task or whose conversation changed. */
export type MirrorListener = (changed: { tasks?: readonly string[]; conversation?: string }) => void;

/**
 * What this client knows of its server: all errands as they stand, and the conversations of those that are open. It
 * starts from what the device has stored, follows the light feed and the logs of what is open, and stores what it
 * learns together with its cursor, so that nothing is missed and nothing counts twice.
 */
export class Mirror implements Receiver {
  readonly #client: Client;
  readonly #storage: MirrorStorage;
  readonly #tell: MirrorListener;
  readonly #tasks = new Map<string, Task>();
  /** Those of the errands that are open; undefined: none was yet. */
  #logs: Logs | undefined;
  readonly #opened = new Set<string>();
  /** Those that were deleted: an answer that is late must not bring them back. */
  readonly #deleted = new Set<string>();
  /** Those that the server could not tell of. They are asked for again with the next connection. */
  readonly #missed = new Set<string>();
  /** Those that were asked for since the connection began, since they are not listed. */
  readonly #sought = new Set<string>();
  #cursor = 0;
  #epoch: string | undefined;
  #older: string | null | undefined;

  constructor(client: Client, storage: MirrorStorage, tell: MirrorListener) {
    this.#client = client;
    this.#storage = storage;
    this.#tell = tell;
  }

  /** Whether anything is known: from the server, or from before. */
  get knows(): boolean {
    return this.#epoch !== undefined;
  }

  /** Whether the server may have errands that are older than those known here. */
  get has_older(): boolean {
    return typeof this.#older === 'string';
  }

  tasks(): Task[] {
    return [...this.#tasks.values()];
  }

  task(id: string): Task | undefined {
    return this.#tasks.get(id);
  }

  /** Whether there is an errand, also one that the list does not have, such as an archived one. */
  async isThere(id: string): Promise<boolean> {
    if (!this.#tasks.has(id) && !this.#deleted.has(id) && !this.#sought.has(id)) {
      this.#sought.add(id);
      await this.#ask(id, this.#readTask(id));
    }
    return !this.#deleted.has(id);
  }

  conversation(id: string): Conversation | undefined {
    return this.#logs?.of(id);
  }

  /** Reads what the device has stored. */
  async load(): Promise<void> {
    const known = await this.#storage.load();
    if (!known) return;
    this.#cursor = known.cursor;
    this.#epoch = known.epoch;
    this.#older = known.older;
    this.#putTasks(known.tasks);
  }

  /**
   * Opens an errand at the end of its log: first with what is stored, then with what the server has. Resolves with the
   * id of the last event, to follow its log from; 0: it was closed meanwhile. An errand that does not exist any more is
   * forgotten.
   */
  async open(id: string): Promise<number> {
    this.#opened.add(id);
    const [{ knownEvent }, { Logs }] = await Promise.all([loadWire(), loadLogs()]);
    if (!this.#opened.has(id)) return 0;
    this.#logs ??= new Logs(this.#client, this.#storage, knownEvent, (conversation) => this.#tell({ conversation }));
    try {
      const [last_id] = await Promise.all([this.#logs.open(id), this.#readWhole(id)]);
      return last_id;
    } catch (error) {
      if (isGone(error)) await this.removed([id]);
      throw error;
    }
  }

  /** Reads a page of older errands. What is known of an errand is newer than the page. */
  async older(): Promise<void> {
    const begin = this.#older;
    if (typeof begin !== 'string') return;
    const page = await readPage(this.#client, begin);
    if (this.#older !== begin) return;
    const tasks = page.items.filter(({ id }) => !this.#tasks.has(id) && !this.#deleted.has(id));
    this.#older = page.next_cursor;
    this.#putTasks(tasks);
    await this.#storage.save({ tasks, older: this.#older });
  }

  /** Adds an earlier page to an open conversation, or many until aborted. Resolves with false if there may be more. */
  async earlier(id: string, many?: AbortSignal): Promise<boolean> {
    return (await this.#logs?.earlier(id, many)) ?? true;
  }

  /** Forgets all but the end of an open conversation. */
  async shorten(id: string): Promise<void> {
    await this.#logs?.shorten(id);
  }

  /** Reads events whole that came shortened. */
  async whole(id: string, event_ids: readonly number[]): Promise<void> {
    await this.#logs?.whole(id, event_ids);
  }

  /** Stops following the conversation of an errand. What is stored of it stays. */
  close(id: string): void {
    this.#opened.delete(id);
    this.#logs?.close(id);
  }

  /** Takes over a task that the server has just returned. */
  async put(task: Task): Promise<void> {
    if (this.#deleted.has(task.id)) return;
    // What the light feed has told meanwhile may be newer than the answer.
    if (this.#tasks.has(task.id)) return this.#readTask(task.id);
    this.#putTasks([task]);
    await this.#storage.save({ tasks: [task] });
  }

  /** Notes that the person has seen an errand as it is now, on the other devices and then on this one. */
  async read(id: string): Promise<void> {
    const task = this.#tasks.get(id);
    const event_id = task?.newest_event_id;
    if (task?.unread !== true || event_id === undefined) return;
    await this.#client.call('markRead', { params: { id }, body: { event_id } });
    // What has come meanwhile was not seen.
    if (this.#tasks.get(id)?.newest_event_id === event_id) await this.changed([{ id, unread: false }], this.#cursor);
  }

  tasksAfter(hello: Hello): number {
    return this.#needsList(hello) ? hello.cursor : this.#cursor;
  }

  async connected(hello: Hello, signal?: AbortSignal): Promise<ReadonlyMap<string, number>> {
    this.#sought.clear();
    if (this.#epoch !== undefined && this.#epoch !== hello.epoch) await this.#forget();
    if (this.#needsList(hello)) await this.#readList(hello, signal);
    for (const id of Array.from(this.#missed)) await this.#ask(id, this.#readTask(id, signal));
    const { ends, gone } = (await this.#logs?.catchUp(signal)) ?? { ends: new Map<string, number>(), gone: [] };
    if (gone.length > 0) await this.removed(gone);
    // One may have been left meanwhile.
    for (const id of Array.from(ends.keys())) if (!this.#logs?.of(id)) ends.delete(id);
    return ends;
  }

  async changed(changes: readonly TaskChange[], cursor: number, signal?: AbortSignal): Promise<void> {
    const tasks: Task[] = [];
    const wire = await loadWire();
    for (const change of changes) {
      const known = this.#tasks.get(change.id);
      // Another device may have been told of the whole before.
      if (!known && !wire.Task.safeParse(change).success) await this.#ask(change.id, this.#readTask(change.id, signal));
      const task = known ? Object.assign({ ...known }, change) : wire.Task.safeParse(change).data;
      if (!task) continue;
      this.#tasks.set(task.id, task);
      tasks.push(task);
    }
    if (tasks.length > 0) this.#tell({ tasks: tasks.map(({ id }) => id) });
    // What was missed is told again after a new start.
    await this.#storage.save(this.#missed.size > 0 ? { tasks } : { cursor, tasks });
    // Not before: what could not be stored comes again with the next connection.
    this.#cursor = cursor;
    for (const { id, shortened } of changes)
      if (shortened === true && this.#logs?.of(id)) await this.#ask(id, this.#readWhole(id, signal));
  }

  /** Forgets errands that were deleted. */
  async removed(task_ids: readonly string[]): Promise<void> {
    for (const id of task_ids) {
      this.#deleted.add(id);
      this.#tasks.delete(id);
      this.#logs?.close(id);
    }
    this.#tell({ tasks: task_ids });
    await this.#storage.save({ deleted: task_ids });
  }

  async startOver(): Promise<void> {
    const ids = [...this.#tasks.keys()];
    this.#tasks.clear();
    this.#tell({ tasks: ids });
    const isOpen = (id: string): boolean => this.#logs?.of(id) !== undefined;
    // An open log goes on from where it is.
    await this.#storage.save({ cursor: 0, removed: ids.filter((id) => !isOpen(id)), unlisted: ids.filter(isOpen) });
  }

  async events(task_id: string, events: readonly LogEvent[]): Promise<void> {
    await this.#logs?.append(task_id, events);
  }

  deltas(task_id: string, deltas: readonly Delta[]): void {
    this.#logs?.write(task_id, deltas);
  }

  lost(): void {
    this.#logs?.dropDrafts();
  }

  /** Whether the list is unknown, or one of another database. */
  #needsList({ cursor, epoch }: Hello): boolean {
    return this.#epoch !== epoch || this.#older === undefined || this.#cursor > cursor;
  }

  /** Reads the list, without what is archived. It stands for all events up to `cursor`. */
  async #readList({ cursor, epoch }: Hello, signal: AbortSignal | undefined): Promise<void> {
    const { read, next, covers } = await readList(this.#client, signal);
    const listed = new Set(read.map(({ id }) => id));
    // One that is open may be in the archive, or deleted. While it cannot be asked for, the list is not read either.
    for (const id of this.#opened) if (!listed.has(id)) await this.#ask(id, this.#readTask(id, signal));
    const isUnlisted = (id: string): boolean => covers(id) && !listed.has(id) && !this.#opened.has(id);
    const removed = [...this.#tasks.keys()].filter(isUnlisted);
    for (const id of removed) this.#tasks.delete(id);
    const tasks = read.filter(({ id }) => !this.#deleted.has(id));
    const went_back = this.#cursor > cursor;
    [this.#cursor, this.#epoch, this.#older] = [cursor, epoch, next];
    this.#putTasks(tasks);
    this.#tell({ tasks: removed });
    await this.#storage.save({ cursor, epoch, tasks, removed, older: next, went_back });
  }

  /** Reads the texts of a task that are cut in lists. */
  async #readWhole(id: string, signal?: AbortSignal): Promise<void> {
    const task = this.#tasks.get(id);
    if (!task || task.shortened === true) await this.#readTask(id, signal);
  }

  /** Resolves once `asked` for an errand has its answer, also if the server refuses this one: all else goes on. */
  async #ask(id: string, asked: Promise<void>): Promise<void> {
    try {
      await asked;
      this.#missed.delete(id);
    } catch (error) {
      if (!refusesOnlyThis(error)) throw error;
      if (isPassing(error)) this.#missed.add(id);
    }
  }

  async #readTask(id: string, signal?: AbortSignal): Promise<void> {
    try {
      const before = this.#tasks.get(id);
      const { attempts: _, ...task } = await this.#client.call('getTask', { params: { id } }, { signal });
      const known = this.#tasks.get(id);
      // What is there of what was forgotten meanwhile is told.
      if (this.#deleted.has(id) || (before && !known)) return;
      // What came meanwhile may be newer, also with the same events; what changes after the answer will be told.
      const is_older = known !== before && (known?.newest_event_id ?? 0) >= (task.newest_event_id ?? 0);
      const now = known && is_older ? { ...known, prompt: task.prompt } : task;
      this.#putTasks([now]);
      await this.#storage.save({ tasks: [now] });
      if (is_older && now.shortened === true && this.#opened.has(id)) await this.#readTask(id, signal);
    } catch (error) {
      if (!isGone(error)) throw error;
      await this.removed([id]);
    }
  }

  /** Another database: nothing that was known counts. */
  async #forget(): Promise<void> {
    const tasks = [...this.#tasks.keys()];
    this.#tasks.clear();
    this.#deleted.clear();
    this.#missed.clear();
    this.#logs?.forget();
    [this.#cursor, this.#epoch, this.#older] = [0, undefined, undefined];
    this.#tell({ tasks });
    await this.#storage.save({ forget: true } satisfies Change);
  }

  #putTasks(tasks: readonly Task[]): void {
    for (const task of tasks) this.#tasks.set(task.id, task);
    this.#tell({ tasks: tasks.map(({ id }) => id) });
  }
}
