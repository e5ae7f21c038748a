import { newId } from '../../../protocol/new-id.ts';
import type { Task } from '../../../protocol/task.ts';
import type { Client } from '../client.ts';
import { Failure, isPassing, LoggedOut, Moved, Refusal, Unreachable } from '../errors.ts';
import {
  canTakeBack,
  filesOf,
  headsOf,
  isTooOld,
  onceClosed,
  onceGone,
  withoutFailure,
  withoutHold,
  type Action,
  type Entry,
  type OutboxStorage,
} from './outbox-entry.ts';
import { sendAction } from './send-action.ts';

export type OutboxEvents = {
  changed: (entries: readonly Entry[]) => void;
  /** The server returned a task. */
  task: (task: Task) => Promise<void>;
  /**
   * Whether the server can be reached, as far as is known. While it cannot, nothing is tried, so that it can be taken
   * back. By default it is always tried.
   */
  reachable?: () => boolean;
  /**
   * Uploads what an action takes with it. It may be called again for the same files. Others are sent meanwhile.
   * `signal`: aborts when the action is taken back.
   */
  upload?: (attachments: readonly string[], signal: AbortSignal) => Promise<void>;
  /** The files of an action are not needed on the device any more. */
  forget?: (attachments: readonly string[]) => Promise<void>;
};

/**
 * What was done and is not yet confirmed by the server. Entries are sent in order, each with its Idempotency-Key, so
 * it counts once however often it is sent. While the server cannot be reached all wait. One that the server refuses
 * stays to be shown; one that fails otherwise shows why, and holds only those of its own errand, as does one whose
 * files are being uploaded. The storage has the truth: another window may change it at any time, and then calls `load`.
 */
export class Outbox {
  readonly #client: Client;
  readonly #storage: OutboxStorage;
  readonly #events: OutboxEvents;
  #entries: readonly Entry[] = [];
  #sending: Promise<void> | undefined;
  #again = false;
  #uploads = false;
  /** The last entry whose files were uploaded, or are being. */
  #uploading: { key: string; over: AbortController } | undefined;
  /** Counts the changes of `#entries`. */
  #changes = 0;
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
    for (;;) {
      const before = this.#changes;
      const stored = await this.#storage.load();
      if (before !== this.#changes) continue;
      this.#set(stored);
      return this.#wakeForHeld();
    }
  }

  /**
   * Adds an action, and sends it if it can, after `hold_ms`. Resolves with its key once it is stored. What is held
   * holds only what is said behind it to the same errand.
   */
  async add(action: Action, hold_ms = 0): Promise<string> {
    const at = new Date();
    const held = hold_ms > 0 && { held_until: new Date(at.getTime() + hold_ms).toISOString() };
    const entry: Entry = { key: newId(), at: at.toISOString(), action, tried: false, ...held };
    await this.#storage.put(entry);
    if (!this.#entries.some(({ key }) => key === entry.key)) this.#set([...this.#entries, entry]);
    void this.flush();
    return entry.key;
  }

  /**
   * Takes back an entry that was not sent yet, or dismisses one that cannot be. Resolves with it, if it could.
   * `gives_back`: as the storage has it.
   */
  async takeBack(key: string, gives_back = false): Promise<Entry | undefined> {
    let taken: Entry | undefined;
    const take = (stored: Entry): Entry | null => {
      taken = canTakeBack(stored) ? stored : undefined;
      return taken ? null : stored;
    };
    await this.#change(key, take, gives_back);
    // What it held goes on.
    if (taken) void this.flush();
    return taken;
  }

  /** Changes the text of a message that was not sent yet. Whether it could. */
  async change(key: string, text: string): Promise<boolean> {
    let changed = false;
    await this.#change(key, (stored) => {
      const { action, tried } = stored;
      changed = !tried && action.do === 'say';
      return !tried && action.do === 'say'
        ? { ...stored, action: { ...action, body: { ...action.body, text } } }
        : stored;
    });
    return changed;
  }

  /** Sends what is held now: it can no longer be undone. For a device that may be suspended before its time. */
  async sendHeld(): Promise<void> {
    // What is just being stored too.
    await this.load();
    const held = this.#entries.filter(({ tried, held_until }) => !tried && held_until !== undefined);
    await Promise.all(held.map(({ key }) => this.#change(key, withoutHold)));
    await this.flush();
  }

  /** The decisions that are still open; what was answered to any other one is over. */
  async seenOpen(need_ids: ReadonlySet<string>): Promise<void> {
    for (const entry of this.#entries) {
      const { key, action } = entry;
      const is_over = action.do === 'answer' && !need_ids.has(action.need_id);
      if (is_over && onceClosed(entry) !== entry) await this.#change(key, onceClosed);
    }
  }

  /** Which errands there are; what was refused for any other one becomes a new errand, with its words and files. */
  async seenErrands(isThere: (id: string) => Promise<boolean>): Promise<void> {
    for (const { key, action, refused } of this.#entries)
      if (refused && action.do !== 'send' && !(await isThere(action.task_id))) await this.#change(key, onceGone);
  }

  /**
   * What of the log of an errand has been seen: these messages, and all that is up to the event `last_id`. Nothing of
   * their entries is left to show.
   */
  async seen(task_id: string, message_ids: ReadonlySet<string>, last_id: number): Promise<void> {
    for (const { key, action, message_id, event_id = Infinity } of this.#entries) {
      if (message_id === undefined || action.do !== 'say' || action.task_id !== task_id) continue;
      if (message_ids.has(message_id) || event_id <= last_id) await this.#change(key, () => null);
    }
  }

  /** Sends what waits. Resolves when nothing is left to send now, or when the server cannot be reached. */
  flush(): Promise<void> {
    this.#wakeForHeld();
    return this.#events.reachable?.() === false ? Promise.resolve() : this.#send();
  }

  #send(): Promise<void> {
    // What was added after the last look would wait for the next flush.
    this.#again = true;
    this.#sending ??= this.#sendUntilDone();
    return this.#sending;
  }

  async #sendUntilDone(): Promise<void> {
    while (this.#again) {
      this.#again = false;
      await this.#storage.locked(() => this.#sendAll()).catch(() => undefined);
    }
    this.#sending = undefined;
  }

  async #sendAll(): Promise<void> {
    // Another window may have sent, changed or taken back some.
    await this.load();
    for (let entry = this.#next(); entry; entry = this.#next()) {
      if (isTooOld(entry)) {
        const refused = { code: 'too_old', detail: 'It waited for longer than a week.' } as const;
        await this.#change(entry.key, (stored) => ({ ...stored, refused }));
        continue;
      }
      try {
        await this.#sendOne(entry);
      } catch (error) {
        await this.#note(entry.key, error);
      }
    }
    void this.#upload();
  }

  async #sendOne({ key }: Entry): Promise<void> {
    // Meanwhile it may have been taken back or changed; from here on it cannot be.
    const now = await this.#change(key, (stored) => ({ ...stored, tried: true }));
    if (!now) return;
    const left = await sendAction(this.#client, now, this.#events.task);
    await this.#change(key, (stored) => left && { ...withoutFailure(stored), ...left });
    const files = filesOf(now);
    if (files.length > 0) await this.#events.forget?.(files);
  }

  /** Uploads what the next entries take with them, and sends each. */
  async #upload(): Promise<void> {
    if (this.#uploads || !this.#nextUpload()) return;
    this.#uploads = true;
    try {
      await this.#storage.uploading(() => this.#uploadAll());
    } catch {
      return;
    } finally {
      this.#uploads = false;
    }
    // What was added after the last look would wait for the next flush.
    void this.#upload();
  }

  async #uploadAll(): Promise<void> {
    // Another window may have uploaded and sent some.
    await this.load();
    for (let entry = this.#nextUpload(); entry; entry = this.#nextUpload()) {
      const over = new AbortController();
      this.#uploading = { key: entry.key, over };
      try {
        await this.#events.upload?.(filesOf(entry), over.signal);
        await this.#change(entry.key, (stored) => ({ ...stored, uploaded: true }));
        // Before another window looks. The server has just answered, whether there is a connection or not.
        await this.#send();
      } catch (error) {
        if (over.signal.aborted) continue;
        // Where the server answers otherwise, it is about the file, as where a proxy refuses its size.
        const is_own = error instanceof Unreachable && this.#events.reachable?.() === true;
        await this.#note(entry.key, is_own ? new Failure(error.message, { cause: error }) : error);
        await this.flush();
      }
    }
  }

  /** Notes why an entry was not sent. Rejects if none can be sent now. */
  async #note(key: string, error: unknown): Promise<void> {
    if (error instanceof Unreachable || error instanceof LoggedOut || error instanceof Moved) throw error;
    if (!(error instanceof Error) || error.name === 'AbortError') throw error;
    const { message: detail } = error;
    if (error instanceof Refusal && !isPassing(error)) {
      const { code, reason, params } = error;
      const refused = { code, detail, ...(reason !== undefined && { reason, params }) };
      await this.#change(key, (stored) => ({ ...withoutFailure(stored), tried: true, refused }));
      return;
    }
    const at = new Date().toISOString();
    const code = error instanceof Refusal ? { code: error.code } : {};
    await this.#change(key, (stored) => {
      const attempts = (stored.failed?.attempts ?? 0) + 1;
      return { ...stored, failed: { ...code, detail, at, attempts } };
    });
  }

  #next(): Entry | undefined {
    return headsOf(this.#entries, Date.now()).find((entry) => !this.#isUploadedFirst(entry));
  }

  #nextUpload(): Entry | undefined {
    return headsOf(this.#entries, Date.now()).find((entry) => this.#isUploadedFirst(entry));
  }

  #isUploadedFirst(entry: Entry): boolean {
    return filesOf(entry).length > 0 && entry.uploaded !== true && !isTooOld(entry);
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

  async #change(key: string, next: (stored: Entry) => Entry | null, gives_back = false): Promise<Entry | null> {
    const after = await this.#storage.change(key, next, gives_back);
    this.#set(this.#entries.flatMap((each) => (each.key === key ? (after ?? []) : each)));
    return after;
  }

  #set(entries: readonly Entry[]): void {
    this.#entries = entries;
    this.#changes++;
    const { key, over } = this.#uploading ?? {};
    if (over && !entries.some((entry) => entry.key === key)) over.abort();
    this.#events.changed(entries);
  }
}
