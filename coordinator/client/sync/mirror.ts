import { LIMITS } from '../../../protocol/limits.ts';
import type { Delta, LogEvent } from '../../../protocol/events.ts';
import type { Task, TaskStatus, WaitingFor } from '../../../protocol/task.ts';
import type { Client } from '../client.ts';
import { Conversation } from '../errand/conversation.ts';
import { foldTask } from '../errand/task-fold.ts';
import { Refusal } from '../errors.ts';
import { knownEvent } from '../known-event.ts';
import type { Receiver } from './live.ts';
import type { Change, MirrorStorage } from './storage.ts';

/** A client that missed more events than this reads the list again instead of replaying them. */
const REPLAY_EVENTS_MAX = 500;
/** The newest errands that are listed. */
const LIST_PAGES_MAX = 5;
/** How often a task is read again if its events overtake the answer. */
const READS_MAX = 3;

/** What is told about a change: the errands whose task or whose conversation changed. */
export type MirrorListener = (changed: { tasks?: readonly string[]; conversation?: string }) => void;

/**
 * What this client knows of its server: all errands as they stand, and the conversations of those that are open. It
 * starts from what the device has stored, follows the log, and stores what it learns together with its cursor, so that
 * nothing is missed and nothing counts twice.
 */
export class Mirror implements Receiver {
  readonly #client: Client;
  readonly #storage: MirrorStorage;
  readonly #tell: MirrorListener;
  readonly #tasks = new Map<string, Task>();
  readonly #open = new Map<string, Conversation>();
  /** For the open conversations whose log is being read: the newer events that have come. */
  readonly #waiting = new Map<string, LogEvent[]>();
  readonly #reading = new Map<string, Promise<void>>();
  #cursor = 0;
  #epoch: string | undefined;

  constructor(client: Client, storage: MirrorStorage, tell: MirrorListener) {
    this.#client = client;
    this.#storage = storage;
    this.#tell = tell;
  }

  /** Whether anything is known: from the server, or from before. */
  get knows(): boolean {
    return this.#epoch !== undefined;
  }

  tasks(): Task[] {
    return [...this.#tasks.values()];
  }

  task(id: string): Task | undefined {
    return this.#tasks.get(id);
  }

  conversation(id: string): Conversation | undefined {
    return this.#open.get(id);
  }

  /** Reads what the device has stored. */
  async load(): Promise<void> {
    const known = await this.#storage.load();
    if (!known) return;
    this.#cursor = known.cursor;
    this.#epoch = known.epoch;
    this.#putTasks(known.tasks);
  }

  /** Opens an errand: first with what is stored, then with what the server has. */
  async open(id: string): Promise<void> {
    const conversation = this.#open.get(id) ?? new Conversation();
    if (!this.#open.has(id)) {
      this.#open.set(id, conversation);
      this.#waiting.set(id, []);
      conversation.apply(await this.#storage.loadEvents(id));
      if (conversation.last_id > 0) this.#tell({ conversation: id });
    }
    await this.#catchUp(id);
  }

  /** Stops following the conversation of an errand. What is stored of it stays. */
  close(id: string): void {
    this.#open.delete(id);
    this.#waiting.delete(id);
  }

  /** Takes over a task that the server has just returned. */
  async put(task: Task): Promise<void> {
    if (this.#tasks.has(task.id)) return this.#readTask(task.id);
    this.#putTasks([task]);
    await this.#storage.save({ tasks: [task] });
  }

  /** Forgets an errand that was deleted. */
  async remove(id: string): Promise<void> {
    this.#tasks.delete(id);
    this.#open.delete(id);
    this.#tell({ tasks: [id] });
    await this.#storage.save({ removed: [id] });
  }

  async connected({ cursor, epoch }: { cursor: number; epoch: string }): Promise<number> {
    if (this.#epoch !== undefined && this.#epoch !== epoch) await this.#forget();
    const behind = cursor - this.#cursor;
    const replays = this.#epoch === epoch && behind >= 0 && behind <= REPLAY_EVENTS_MAX;
    if (!replays) await this.#readList(cursor, epoch);
    for (const id of this.#open.keys()) await this.#catchUp(id);
    return this.#cursor;
  }

  async events(events: readonly LogEvent[]): Promise<void> {
    const fresh = events.filter(({ id }) => id > this.#cursor);
    // The cursor moves only once what stands behind it is stored: a process that ends before reads it again.
    const asked = new Set(fresh.filter((event) => this.#asksAgain(event)).map(({ task_id }) => task_id));
    for (const id of asked) await this.#readTask(id);
    const changed = new Set<string>();
    for (const event of fresh) {
      const task = this.#tasks.get(event.task_id);
      // An answer of the server has all these events already.
      if (!task || asked.has(event.task_id)) continue;
      this.#tasks.set(event.task_id, foldTask(task, event, knownEvent(event)));
      changed.add(event.task_id);
    }
    const stored = [...this.#open.keys()].flatMap((id) => this.#follow(id, events));
    this.#cursor = fresh.at(-1)?.id ?? this.#cursor;
    if (changed.size > 0) this.#tell({ tasks: [...changed] });
    const tasks = [...changed].flatMap((id) => this.#tasks.get(id) ?? []);
    await this.#storage.save({ cursor: this.#cursor, tasks, events: stored });
  }

  /** Whether only the server can say how the task stands now: it is new, or its place in the queue or its result is. */
  #asksAgain({ task_id, type, body }: LogEvent): boolean {
    const ends = body.to === 'queued' || body.to === 'succeeded' || body.to === 'failed';
    return !this.#tasks.has(task_id) || (type === 'task.status' && ends);
  }

  /** Adds new events to an open conversation. Returns those that it took. */
  #follow(id: string, events: readonly LogEvent[]): LogEvent[] {
    const conversation = this.#open.get(id);
    const own = events.filter((event) => event.task_id === id && event.id > (conversation?.last_id ?? 0));
    if (!conversation || own.length === 0) return [];
    const waiting = this.#waiting.get(id);
    if (waiting) {
      waiting.push(...own);
      // If its pages could not be read before, this is the time to try again.
      void this.#catchUp(id).catch(() => undefined);
      return [];
    }
    conversation.apply(own);
    this.#tell({ conversation: id });
    return own;
  }

  state(task_id: string, status: TaskStatus, waiting_for: WaitingFor | null): void {
    const task = this.#tasks.get(task_id);
    if (!task) return;
    this.#tasks.set(task_id, { ...task, status, waiting_for });
    this.#tell({ tasks: [task_id] });
  }

  deltas(task_id: string, deltas: readonly Delta[]): void {
    const conversation = this.#open.get(task_id);
    if (!conversation) return;
    conversation.write(deltas);
    this.#tell({ conversation: task_id });
  }

  lost(): void {
    for (const [id, conversation] of this.#open) {
      conversation.dropDrafts();
      this.#tell({ conversation: id });
    }
  }

  /** Reads the list, which stands for all events up to `cursor`. */
  async #readList(cursor: number, epoch: string): Promise<void> {
    const tasks: Task[] = [];
    let next: string | undefined;
    for (let pages = 0; pages < LIST_PAGES_MAX; pages++) {
      const query = { limit: LIMITS.page_items_max, cursor: next };
      const page = await this.#client.call('listTasks', { query });
      tasks.push(...page.items);
      if (page.next_cursor === null) break;
      next = page.next_cursor;
    }
    const listed = new Set(tasks.map(({ id }) => id));
    const oldest = next === undefined ? '' : (tasks.at(-1)?.id ?? '');
    const removed = [...this.#tasks.keys()].filter((id) => id >= oldest && !listed.has(id));
    for (const id of removed) this.#tasks.delete(id);
    this.#cursor = cursor;
    this.#epoch = epoch;
    this.#putTasks(tasks);
    this.#tell({ tasks: removed });
    await this.#storage.save({ cursor, epoch, tasks, removed });
  }

  /** Reads how a task stands. If an event of it comes meanwhile, the answer may be older: it is read again. */
  async #readTask(id: string): Promise<void> {
    for (let tries = 0; tries < READS_MAX; tries++) {
      const before = this.#tasks.get(id);
      try {
        const { attempts: _, ...task } = await this.#client.call('getTask', { params: { id } });
        if (this.#tasks.get(id) !== before) continue;
        this.#putTasks([task]);
        return await this.#storage.save({ tasks: [task] });
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        if (error.code === 'not_found') return this.remove(id);
      }
    }
  }

  /** Reads the log of an open errand to its end. Events that come meanwhile wait for their turn. */
  #catchUp(id: string): Promise<void> {
    const running = this.#reading.get(id);
    if (running) return running;
    if (!this.#waiting.has(id)) this.#waiting.set(id, []);
    const reading = this.#readLog(id).finally(() => this.#reading.delete(id));
    this.#reading.set(id, reading);
    return reading;
  }

  async #readLog(id: string): Promise<void> {
    for (let more = true; more;) {
      const conversation = this.#open.get(id);
      if (!conversation) break;
      const query = { after: conversation.last_id, limit: LIMITS.page_items_max };
      const page = await this.#client.call('listEvents', { params: { id }, query });
      more = page.next_cursor !== null && page.items.length > 0;
      const came = more ? [] : (this.#waiting.get(id) ?? []).filter((event) => event.id > (page.items.at(-1)?.id ?? 0));
      const events = [...page.items, ...came];
      if (!more) this.#waiting.delete(id);
      conversation.apply(events);
      this.#tell({ conversation: id });
      await this.#storage.save({ events });
    }
    this.#waiting.delete(id);
  }

  /** Another database: nothing that was known counts. */
  async #forget(): Promise<void> {
    const tasks = [...this.#tasks.keys()];
    this.#tasks.clear();
    for (const id of this.#open.keys()) this.#open.set(id, new Conversation());
    this.#cursor = 0;
    this.#epoch = undefined;
    this.#tell({ tasks });
    await this.#storage.save({ forget: true } satisfies Change);
  }

  #putTasks(tasks: readonly Task[]): void {
    for (const task of tasks) this.#tasks.set(task.id, task);
    this.#tell({ tasks: tasks.map(({ id }) => id) });
  }
}
