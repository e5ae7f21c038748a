import type { TaskCreate } from '../../../protocol/api.ts';
import type { MessageCreate, MessagePatch } from '../../../protocol/messages.ts';
import type { NeedAnswerCreate } from '../../../protocol/needs.ts';
import { newId } from '../../../protocol/ids.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import type { ErrorCode } from '../../../protocol/problem.ts';
import type { Task } from '../../../protocol/task.ts';
import type { Client } from '../client.ts';
import { Refusal, Unreachable } from '../errors.ts';

/** What a person does that needs the server. */
export type Action =
  | { do: 'send'; body: TaskCreate }
  | { do: 'say'; task_id: string; body: MessageCreate }
  | { do: 'reword'; task_id: string; message_id: string; body: MessagePatch }
  | { do: 'unsay'; task_id: string; message_id: string }
  | { do: 'answer'; task_id: string; need_id: string; body: NeedAnswerCreate }
  | { do: 'stop'; task_id: string }
  | { do: 'retry'; task_id: string; budget_usd?: number }
  | { do: 'archive'; task_id: string; archived: boolean };

/**
 * One action on its way. `key` is its Idempotency-Key, and names it for ever. `tried`: it may have arrived, so it cannot
 * be taken back. `refused`: the server will not do it. `message_id`: it has arrived as this message, whose event has not
 * been seen yet. `held_until`: it can be undone until then, and is not sent before. `done`: the server has it, and what
 * follows from it has not been seen yet.
 */
export type Entry = {
  key: string;
  at: string;
  action: Action;
  tried: boolean;
  refused?: { code: ErrorCode; detail: string };
  message_id?: string;
  held_until?: string;
  done?: true;
};

/** Keeps the entries on the device. */
export type OutboxStorage = {
  load: () => Promise<Entry[]>;
  put: (entry: Entry) => Promise<void>;
  remove: (key: string) => Promise<void>;
  /** Runs `act` while no other tab or process sends. */
  locked: (act: () => Promise<void>) => Promise<void>;
};

export type OutboxEvents = {
  changed: (entries: readonly Entry[]) => void;
  /** The server returned a task. */
  task: (task: Task) => Promise<void>;
  /**
   * Whether the server can be reached, as far as is known. While it cannot, nothing is tried, so that it can be taken
   * back. By default it is always tried.
   */
  reachable?: () => boolean;
  /** Uploads what an action takes with it. It may be called again for the same files. */
  upload?: (attachments: readonly string[]) => Promise<void>;
  /** The files of an action are not needed on the device any more. */
  forget?: (attachments: readonly string[]) => Promise<void>;
};

/**
 * What was done and is not yet confirmed by the server. Entries are sent in order, each with its Idempotency-Key, so it
 * counts once however often it is sent. The first that cannot be sent stops those behind it; one that the server refuses
 * stays to be shown, and the next is sent.
 */
export class Outbox {
  readonly #client: Client;
  readonly #storage: OutboxStorage;
  readonly #events: OutboxEvents;
  #entries: Entry[] = [];
  #sending: Promise<void> | undefined;
  #held: ReturnType<typeof setTimeout> | undefined;

  constructor(client: Client, storage: OutboxStorage, events: OutboxEvents) {
    this.#client = client;
    this.#storage = storage;
    this.#events = events;
  }

  entries(): readonly Entry[] {
    return this.#entries;
  }

  /** Reads the stored entries. */
  async load(): Promise<void> {
    this.#set(await this.#storage.load());
  }

  /**
   * Adds an action, and sends it if it can, after `hold_ms`. Resolves with its key once it is stored. What is held stops
   * nothing behind it.
   */
  async add(action: Action, hold_ms = 0): Promise<string> {
    const at = new Date();
    const held = hold_ms > 0 && { held_until: new Date(at.getTime() + hold_ms).toISOString() };
    const entry: Entry = { key: newId(), at: at.toISOString(), action, tried: false, ...held };
    await this.#storage.put(entry);
    this.#set([...this.#entries, entry]);
    void this.flush();
    return entry.key;
  }

  /** Takes back an entry that was not sent yet, or dismisses a refused one. Whether it could. */
  async takeBack(key: string): Promise<boolean> {
    const entry = this.#entries.find((each) => each.key === key);
    if (!entry || (entry.tried && !entry.refused)) return false;
    await this.#events.forget?.(filesOf(entry));
    await this.#drop(key);
    return true;
  }

  /** Changes the text of a message that was not sent yet. Whether it could. */
  async change(key: string, text: string): Promise<boolean> {
    const entry = this.#entries.find((each) => each.key === key);
    if (!entry || entry.tried || entry.action.do !== 'say') return false;
    await this.#update({ ...entry, action: { ...entry.action, body: { ...entry.action.body, text } } });
    return true;
  }

  /** The decisions that are still open: nothing is left to show of an answer to another one that the server has. */
  async seenOpen(need_ids: ReadonlySet<string>): Promise<void> {
    for (const { key, action, done } of this.#entries)
      if (done && action.do === 'answer' && !need_ids.has(action.need_id)) await this.#drop(key);
  }

  /** The event of a message has been seen: nothing of its entry is left to show. */
  async seen(message_ids: ReadonlySet<string>): Promise<void> {
    for (const { key, message_id } of this.#entries)
      if (message_id !== undefined && message_ids.has(message_id)) await this.#drop(key);
  }

  /** Sends what waits. Resolves when nothing is left to send, or when the server cannot be reached. */
  flush(): Promise<void> {
    this.#wakeForHeld();
    if (this.#events.reachable?.() === false) return Promise.resolve();
    this.#sending ??= this.#storage
      .locked(() => this.#sendAll())
      .finally(() => (this.#sending = undefined))
      .catch(() => undefined);
    return this.#sending;
  }

  async #sendAll(): Promise<void> {
    for (let entry = this.#next(); entry; entry = this.#next()) {
      if (isTooOld(entry)) {
        await this.#update({ ...entry, refused: { code: 'conflict', detail: 'It waited for longer than a week.' } });
        continue;
      }
      try {
        const files = filesOf(entry);
        if (files.length > 0) await this.#events.upload?.(files);
        // Meanwhile it may have been taken back or changed.
        const now = this.#entries.find(({ key }) => key === entry?.key);
        if (!now) continue;
        await this.#update({ ...now, tried: true });
        await this.#send({ ...now, tried: true });
        if (files.length > 0) await this.#events.forget?.(files);
      } catch (error) {
        if (error instanceof Unreachable || !(error instanceof Refusal)) throw error;
        if (error.code === 'rate_limited' || error.code === 'internal') throw error;
        await this.#update({ ...entry, tried: true, refused: { code: error.code, detail: error.message } });
      }
    }
  }

  #next(): Entry | undefined {
    const now = new Date().toISOString();
    return this.#entries.find(
      ({ refused, message_id, done, held_until = '' }) =>
        !refused && !done && message_id === undefined && held_until <= now,
    );
  }

  /** Sends the next held entry once it can no longer be undone. */
  #wakeForHeld(): void {
    clearTimeout(this.#held);
    const held = this.#entries.flatMap(({ tried, held_until }) =>
      tried || held_until === undefined ? [] : held_until,
    );
    const [first] = held.sort();
    if (first === undefined) return;
    const wait_ms = Date.parse(first) - Date.now();
    if (wait_ms > 0) this.#held = setTimeout(() => void this.flush(), wait_ms + 1);
  }

  async #send(entry: Entry): Promise<void> {
    const { key, action } = entry;
    const once = { idempotency_key: key };
    switch (action.do) {
      case 'send':
        await this.#events.task(await this.#client.call('createTask', { body: action.body }, once));
        return this.#drop(key);
      case 'say': {
        const params = { id: action.task_id };
        const { message_id } = await this.#client.call('createMessage', { params, body: action.body }, once);
        return this.#update({ ...entry, message_id });
      }
      case 'reword': {
        const params = { id: action.task_id, message_id: action.message_id };
        await this.#client.call('patchMessage', { params, body: action.body }, once);
        return this.#drop(key);
      }
      case 'unsay': {
        const params = { id: action.task_id, message_id: action.message_id };
        await this.#client.call('deleteMessage', { params }, once);
        return this.#drop(key);
      }
      case 'answer': {
        const { task_id: id, need_id, body } = action;
        await this.#client.call('answerNeed', { params: { id, need_id }, body }, once);
        return this.#update({ ...entry, done: true });
      }
      case 'stop': {
        const params = { id: action.task_id };
        await this.#events.task(await this.#client.call('cancelTask', { params }, once));
        return this.#drop(key);
      }
      case 'retry': {
        const { task_id: id, budget_usd } = action;
        const body = budget_usd === undefined ? {} : { budget_usd };
        await this.#events.task(await this.#client.call('retryTask', { params: { id }, body }, once));
        return this.#drop(key);
      }
      case 'archive': {
        const { task_id: id, archived } = action;
        await this.#events.task(await this.#client.call('patchTask', { params: { id }, body: { archived } }, once));
        return this.#drop(key);
      }
    }
  }

  async #update(entry: Entry): Promise<void> {
    await this.#storage.put(entry);
    this.#set(this.#entries.map((each) => (each.key === entry.key ? entry : each)));
  }

  async #drop(key: string): Promise<void> {
    await this.#storage.remove(key);
    this.#set(this.#entries.filter((each) => each.key !== key));
  }

  #set(entries: Entry[]): void {
    this.#entries = entries;
    this.#events.changed(entries);
  }
}

/** The attachments that an entry takes with it. */
function filesOf({ action }: Entry): readonly string[] {
  const takes_files = action.do === 'send' || action.do === 'say' || action.do === 'answer';
  return takes_files ? (action.body.attachments ?? []) : [];
}

/** The server no longer knows the key of an entry that may have arrived: to send it again could do it twice. */
function isTooOld({ at, tried }: Entry): boolean {
  return tried && Date.now() - Date.parse(at) > LIMITS.idempotency_key_s * 1000;
}
