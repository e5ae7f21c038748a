import { signal } from '@preact/signals';
import type { TaskCreate } from '../../../protocol/api.ts';
import type { MessageCreate, MessagePatch } from '../../../protocol/messages.ts';
import type { NeedAnswerCreate } from '../../../protocol/needs.ts';
import type { Client } from '../../client/client.ts';
import { Outbox, type OutboxEvents } from '../../client/sync/outbox.ts';
import { filesOf, isWaiting, type Action, type Entry } from '../../client/sync/outbox-entry.ts';
import { isFull, type Kept } from './database.ts';
import type { Files } from './files.ts';
import { outboxStorage } from './storage.ts';
import type { Texts } from './texts.ts';

/** How long a decision can be undone, while the app is on the screen. */
const UNDO_MS = 5_000;
/** How long the server may take to show that it can be reached. */
const ANSWER_MS = 10_000;

type Parts = { database: Kept; client: Client; files: Files; texts: Texts };

/**
 * What a person does. Each act is stored on this device, and sent from there. It resolves with whether it was stored:
 * if not, `unstored` says so.
 */
export class Acts {
  readonly entries = signal<readonly Entry[]>([]);
  /** The last act could not be stored on this device: it is full, or its storage is damaged. */
  readonly unstored = signal<'full' | 'fault' | undefined>(undefined);
  readonly outbox: Outbox;
  readonly #client: Client;
  readonly #files: Files;
  readonly #windows: BroadcastChannel;
  /** What is being stored: a second touch asks for nothing more. */
  readonly #adding = new Map<string, Promise<boolean>>();
  #stopped = false;
  /** The server answers, although there is no connection. */
  #answers = false;

  constructor({ database, client, files, texts }: Parts, events: Omit<OutboxEvents, 'upload' | 'forget'>) {
    this.#client = client;
    this.#files = files;
    this.#windows = new BroadcastChannel(`${database.name} outbox`);
    const storage = outboxStorage(database, {
      changed: () => {
        if (!this.#stopped) this.#windows.postMessage(null);
      },
      giving: (act) => texts.giving(act),
      gaveBack: (given) => {
        for (const each of given) texts.tell(each);
        files.changes.value++;
      },
    });
    this.outbox = new Outbox(client, storage, {
      ...events,
      reachable: () => this.#answers || events.reachable?.() !== false,
      upload: (ids, signal) => files.upload(ids, signal),
      forget: (ids) => files.forget(ids),
      changed: (entries) => {
        this.entries.value = entries;
        events.changed(entries);
      },
    });
    // What another window adds, changes and sends shows here too.
    this.#windows.addEventListener('message', () => void this.outbox.load());
  }

  stop(): void {
    this.#stopped = true;
    this.#windows.close();
  }

  /**
   * Sends what waits although there is no connection: a proxy may let requests pass, but no socket. The server is asked
   * for an answer first, since what was tried cannot be taken back.
   */
  async insist(): Promise<void> {
    if (!this.entries.peek().some(isWaiting)) return;
    try {
      await this.#client.call('healthz', {}, { signal: AbortSignal.timeout(ANSWER_MS) });
    } catch {
      return;
    }
    this.#answers = true;
    await this.outbox.flush();
    this.#answers = false;
  }

  /** Sends an errand. `options`: what was chosen, as its draft has it. */
  send(body: TaskCreate, options?: string): Promise<boolean> {
    return this.#add({ do: 'send', body, ...(options !== undefined && { options }) });
  }

  say(task_id: string, text: string, more: Omit<MessageCreate, 'text'> = {}): Promise<boolean> {
    return this.#add({ do: 'say', task_id, body: { text, ...more } });
  }

  /** Changes a message that was sent and not heard yet. */
  reword(task_id: string, message_id: string, body: MessagePatch): Promise<boolean> {
    return this.#add({ do: 'reword', task_id, message_id, body });
  }

  /** Takes back a message that was sent and not heard yet. */
  unsay(task_id: string, message_id: string): Promise<boolean> {
    return this.#add({ do: 'unsay', task_id, message_id });
  }

  /** Makes a decision. For a moment it can be undone, with `takeBack`; not once the app was left. */
  decide(task_id: string, need_id: string, body: NeedAnswerCreate): Promise<boolean> {
    return this.#add({ do: 'answer', task_id, need_id, body }, UNDO_MS);
  }

  stopErrand(task_id: string): Promise<boolean> {
    return this.#add({ do: 'stop', task_id });
  }

  retry(task_id: string, budget_usd?: number): Promise<boolean> {
    return this.#add({ do: 'retry', task_id, ...(budget_usd !== undefined && { budget_usd }) });
  }

  /** Puts an errand that has ended into the archive, or back into the list. */
  archive(task_id: string, archived: boolean): Promise<boolean> {
    return this.#add({ do: 'archive', task_id, archived });
  }

  /**
   * Whether a person asked for this, and the server has neither done nor refused it yet. A message with more budget is
   * a retry too.
   */
  asked(what: 'stop' | 'retry', id: string): boolean {
    const does = (action: Action): boolean =>
      action.do === what || (what === 'retry' && action.do === 'say' && action.body.budget_usd !== undefined);
    return this.entries.value.some(
      ({ action, refused }) => action.do !== 'send' && action.task_id === id && does(action) && !refused,
    );
  }

  /** Changes a message that was not sent yet. */
  change(key: string, text: string): Promise<boolean> {
    return this.outbox.change(key, text);
  }

  /**
   * Takes back what was not sent, or was refused: its words, files and ticked options go back to where they were
   * made.
   */
  async takeBack(key: string): Promise<void> {
    await this.outbox.takeBack(key, true);
  }

  /** Removes what was refused, with its words and files. */
  async dismiss(key: string): Promise<void> {
    const entry = await this.outbox.takeBack(key);
    if (entry) await this.#files.forget(filesOf(entry));
  }

  #add(action: Action, hold_ms?: number): Promise<boolean> {
    const what = JSON.stringify(action);
    const adding = this.#adding.get(what) ?? this.#store(action, hold_ms).finally(() => this.#adding.delete(what));
    this.#adding.set(what, adding);
    return adding;
  }

  async #store(action: Action, hold_ms: number | undefined): Promise<boolean> {
    try {
      await this.outbox.add(action, hold_ms);
      this.unstored.value = undefined;
      return true;
    } catch (error) {
      this.unstored.value = isFull(error) ? 'full' : 'fault';
      return false;
    }
  }
}
