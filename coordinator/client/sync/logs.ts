import { LIMITS } from '../../../protocol/limits.ts';
import type { Delta, LogEvent } from '../../../protocol/events.ts';
import type { Client } from '../client.ts';
import { Conversation } from '../errand/conversation.ts';
import { isGone, refusesOnlyThis, Refusal } from '../errors.ts';
import type { TypeEvent } from '../known-event.ts';
import { unlessAborted } from '../wait.ts';
import type { MirrorStorage } from './storage.ts';

const PAGE = LIMITS.page_items_max;
/** A log with more rows is shortened to this many events. */
const ROWS_MAX = 5_000;
const KEPT = 1_000;
/** How many pages are read at once on the way to the beginning: a log may be longer than what a device can hold. */
const PAGES_AT_ONCE = 100;
/** Above the id of every event. */
const END = Number.MAX_SAFE_INTEGER;

/**
 * The logs of the open errands, each a part of the log without gaps that ends at its end. It opens with the last page,
 * however long the log is; earlier pages come on demand, from the device if it has them.
 */
export class Logs {
  readonly #client: Client;
  readonly #storage: MirrorStorage;
  readonly #known: TypeEvent;
  readonly #tell: (task_id: string) => void;
  readonly #open = new Map<string, Conversation>();
  /** One reading of each log at a time: to its end, or a page back. */
  readonly #reading = new Map<string, Promise<void>>();
  /** The events of open logs that are to be read whole, and were not yet. */
  readonly #cut = new Map<string, Set<number>>();

  constructor(client: Client, storage: MirrorStorage, known: TypeEvent, tell: (task_id: string) => void) {
    this.#client = client;
    this.#storage = storage;
    this.#known = known;
    this.#tell = tell;
  }

  of(id: string): Conversation | undefined {
    return this.#open.get(id);
  }

  /** Opens a log, and reads it to its end. Resolves with the id of the last event. A log that is gone is closed. */
  async open(id: string): Promise<number> {
    try {
      return await this.#openAtEnd(id);
    } catch (error) {
      if (isGone(error)) this.close(id);
      throw error;
    }
  }

  async #openAtEnd(id: string): Promise<number> {
    if (!this.#open.has(id)) {
      const conversation = new Conversation(this.#known);
      this.#open.set(id, conversation);
      await this.#once(id, async () => {
        conversation.apply(await this.#storage.loadEvents(id, PAGE));
        if (conversation.last_id > 0) this.#tell(id);
      });
    }
    await this.#once(id, () => this.#readEnd(id));
    return this.#open.get(id)?.last_id ?? 0;
  }

  close(id: string): void {
    this.#open.delete(id);
    this.#cut.delete(id);
  }

  /** Reads all open logs to their ends: the ids of their last events, and the errands that do not exist any more. */
  async catchUp(signal?: AbortSignal): Promise<{ ends: Map<string, number>; gone: string[] }> {
    const ends = new Map<string, number>();
    const gone: string[] = [];
    // One that is gone is deleted on the way.
    for (const id of Array.from(this.#open.keys())) {
      try {
        // It may have to wait for a read that has no answer yet.
        await unlessAborted(
          this.#once(id, () => this.#readEnd(id, signal)),
          signal,
        );
        const conversation = this.#open.get(id);
        if (conversation) ends.set(id, conversation.last_id);
        // What could not be read before.
        void this.whole(id, [...(this.#cut.get(id) ?? [])]).catch(() => undefined);
      } catch (error) {
        if (!refusesOnlyThis(error)) throw error;
        const { last_id = 0 } = this.#open.get(id) ?? {};
        if (isGone(error)) gone.push(id);
        // The socket may bring the rest, but not the whole of a log of which nothing is known: it may be long.
        else if (last_id > 0) ends.set(id, last_id);
      }
    }
    return { ends, gone };
  }

  /** Another database: the open logs begin anew. */
  forget(): void {
    this.#cut.clear();
    for (const id of this.#open.keys()) this.#open.set(id, new Conversation(this.#known));
  }

  async append(id: string, events: readonly LogEvent[]): Promise<void> {
    const conversation = this.#open.get(id);
    const fresh = events.filter((event) => event.id > (conversation?.last_id ?? 0));
    if (!conversation || fresh.length === 0) return;
    const beside = conversation.last_id;
    conversation.apply(fresh);
    this.#tell(id);
    await this.#storage.save({ events: fresh, beside });
  }

  /**
   * Adds the page in front of what is known of a log; with `many` one after the other, until that is aborted. Resolves
   * with false if there may be more.
   */
  async earlier(id: string, many?: AbortSignal): Promise<boolean> {
    const pages = many ? PAGES_AT_ONCE : 1;
    for (let n = 0; n < pages; n++) {
      const before = this.#open.get(id)?.first_id;
      await this.#readEarlier(id);
      const now = this.#open.get(id);
      if (!now || now.has_beginning || now.first_id === before) return true;
      if (many?.aborted === true) break;
    }
    return false;
  }

  async #readEarlier(id: string): Promise<void> {
    await this.#once(id, async () => {
      const conversation = this.#open.get(id);
      if (!conversation || conversation.has_beginning || conversation.first_id === 0) return;
      const before = conversation.first_id;
      const stored = await this.#storage.loadEvents(id, PAGE, before);
      const events = stored.length > 0 ? stored : await this.#readPage(id, { before });
      conversation.prepend(events);
      this.#tell(id);
      if (stored.length === 0) await this.#storage.save({ events, beside: before });
    });
  }

  /** Forgets all but the end of a log that grew long while it was open. What was in front comes again on demand. */
  async shorten(id: string): Promise<void> {
    const isLong = () => (this.#open.get(id)?.items.length ?? 0) > ROWS_MAX;
    if (!isLong()) return;
    await this.#once(id, async () => {
      if (!isLong()) return;
      const end = new Conversation(this.#known);
      end.apply(await this.#storage.loadEvents(id, KEPT));
      const now = this.#open.get(id);
      // What came meanwhile would be missing: it is tried again.
      if (!now || end.last_id !== now.last_id) return;
      end.continueDrafts(now);
      this.#open.set(id, end);
      this.#tell(id);
    });
  }

  /**
   * Reads events whole that came shortened; where the server cannot be reached, once it can. What is in front of the
   * open part of the log is left out: the part is to have no gaps.
   */
  async whole(id: string, event_ids: readonly number[]): Promise<void> {
    const conversation = this.#open.get(id);
    if (!conversation) return;
    const cut = this.#cut.get(id) ?? new Set();
    this.#cut.set(id, cut);
    for (const event_id of event_ids) cut.add(event_id);
    for (const event_id of event_ids) {
      const event = conversation.spans(event_id) ? await this.#readEvent(id, event_id) : null;
      // The log has begun anew meanwhile. What is left of it is asked for again.
      if (this.#open.get(id) !== conversation) return;
      if (event !== undefined) cut.delete(event_id);
      if (!event) continue;
      conversation.replace(event);
      this.#tell(id);
      await this.#storage.save({ events: [event], beside: event_id });
    }
  }

  write(id: string, deltas: readonly Delta[]): void {
    const conversation = this.#open.get(id);
    if (!conversation) return;
    conversation.write(deltas);
    this.#tell(id);
  }

  /** Drops unfinished text: after a lost connection what was missed never comes. */
  dropDrafts(): void {
    for (const [id, conversation] of this.#open) {
      conversation.dropDrafts();
      this.#tell(id);
    }
  }

  /** Reads what is missing if it is a page at most; else the log opens anew, at its end. */
  async #readEnd(id: string, signal?: AbortSignal): Promise<void> {
    const conversation = this.#open.get(id);
    if (!conversation) return;
    if (conversation.last_id > 0) {
      const after = conversation.last_id;
      const query = { after, limit: PAGE, bodies: 'short' };
      const { items, next_cursor } = await this.#client.call('listEvents', { params: { id }, query }, { signal });
      if (next_cursor === null) return this.append(id, items);
    }
    const events = await this.#readPage(id, { before: END, signal });
    const anew = new Conversation(this.#known);
    anew.apply(events);
    // Another database, or it was left.
    if (this.#open.get(id) !== conversation) return;
    this.#open.set(id, anew);
    this.#tell(id);
    await this.#storage.save({ log_restarts: id, events });
  }

  /** Resolves with null if the server does not have it; with undefined if it refuses it now. */
  async #readEvent(id: string, event_id: number): Promise<LogEvent | null | undefined> {
    try {
      return await this.#client.call('getEvent', { params: { id, event_id: String(event_id) } });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return isGone(error) ? null : undefined;
    }
  }

  async #readPage(
    id: string,
    { before, signal }: { before: number; signal?: AbortSignal | undefined },
  ): Promise<LogEvent[]> {
    const query = { before, limit: PAGE, bodies: 'short' };
    return (await this.#client.call('listEvents', { params: { id }, query }, { signal })).items;
  }

  /** Runs `act` after what is being read of this log. */
  async #once(id: string, act: () => Promise<void>): Promise<void> {
    const before = this.#reading.get(id) ?? Promise.resolve();
    const mine = before.catch(() => undefined).then(act);
    this.#reading.set(id, mine);
    try {
      await mine;
    } finally {
      if (this.#reading.get(id) === mine) this.#reading.delete(id);
    }
  }
}
