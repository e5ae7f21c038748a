import { LIMITS } from '../../../protocol/limits.ts';
import type { TaskCreate } from '../../../protocol/api.ts';
import type { MessageCreate, MessagePatch } from '../../../protocol/messages.ts';
import type { NeedAnswerCreate } from '../../../protocol/needs.ts';
import type { ErrorCode } from '../../../protocol/problem.ts';
import { backoffMs } from '../backoff.ts';

/** What a person does that needs the server. `options`: what the client itself notes of a new errand. */
export type Action =
  | { do: 'send'; body: TaskCreate; options?: string }
  | { do: 'say'; task_id: string; body: MessageCreate }
  | { do: 'reword'; task_id: string; message_id: string; body: MessagePatch }
  | { do: 'unsay'; task_id: string; message_id: string }
  | { do: 'answer'; task_id: string; need_id: string; body: NeedAnswerCreate }
  | { do: 'stop'; task_id: string }
  | { do: 'retry'; task_id: string; budget_usd?: number }
  | { do: 'archive'; task_id: string; archived: boolean };

/**
 * One action on its way. `key` is its Idempotency-Key, and names it for ever. `tried`: it may have arrived, so it
 * cannot be taken back. `refused`: the server will not do it; `too_old`: it is not asked any more. `failed`: the last
 * `attempts` in a row got an answer that says neither; it is tried again, later each time. `message_id`, `event_id`: it
 * has arrived as this message, whose event has not been seen yet. `held_until`: it can be undone until then, and is not
 * sent before. `done`: the server has it, and what follows from it has not been seen yet. `gone`: it was for an errand
 * that is gone. `uploaded`: the server has its files.
 */
export type Entry = {
  key: string;
  at: string;
  action: Action;
  tried: boolean;
  refused?: {
    code: ErrorCode | 'too_old';
    detail: string;
    reason?: string;
    params?: Readonly<Record<string, string>>;
  };
  failed?: { code?: ErrorCode; detail: string; at: string; attempts: number };
  message_id?: string;
  event_id?: number;
  held_until?: string;
  done?: true;
  gone?: true;
  uploaded?: true;
};

/** Keeps the entries on the device. All windows of an app share it. */
export type OutboxStorage = {
  load: () => Promise<Entry[]>;
  put: (entry: Entry) => Promise<void>;
  /**
   * Stores what `next` makes of an entry as it is stored now; null removes it. No other change comes in between.
   * Resolves with what is stored then: null if it is gone, such as by another window. `gives_back`: if this removes
   * it, what was written for it goes back to where it was written, in the same step: whenever the app dies, it is in
   * one of the two.
   */
  change: (key: string, next: (stored: Entry) => Entry | null, gives_back?: boolean) => Promise<Entry | null>;
  /** Runs `act` while no other tab or process sends. */
  locked: (act: () => Promise<void>) => Promise<void>;
  /** Runs `act` while no other tab or process uploads. It may send meanwhile. */
  uploading: (act: () => Promise<void>) => Promise<void>;
};

/** The delays after attempts that failed. */
const AGAIN = { first_ms: 5_000, max_ms: 10 * 60_000 };

/** Whether the server has neither done nor refused it. */
export function isWaiting({ refused, message_id, done }: Entry): boolean {
  return !refused && !done && message_id === undefined;
}

/** Whether it can be taken back: nothing of it can have arrived, or nothing will come of it by itself. */
export function canTakeBack({ tried, refused, failed, ...entry }: Entry): boolean {
  return refused !== undefined || (isWaiting({ tried, ...entry }) && (!tried || failed !== undefined));
}

/** The entry once it can no longer be undone. */
export function withoutHold(entry: Entry): Entry {
  const { held_until: _, ...rest } = entry;
  return rest;
}

/**
 * What an entry becomes once the decision that it answers is closed. Null: it has arrived, and nothing is left to
 * show of it. The words of a refused answer have no other place any more: they become those of a message that was
 * refused.
 */
export function onceClosed(entry: Entry): Entry | null {
  const { action, done, refused } = entry;
  if (action.do !== 'answer') return entry;
  if (done) return null;
  const { text, attachments } = action.body;
  if (!refused || text === undefined) return entry;
  const body = { text, ...(attachments && { attachments }) };
  return { ...entry, action: { do: 'say', task_id: action.task_id, body } };
}

/**
 * What a refused entry becomes once its errand is gone. Null: nothing is left to show of it. What somebody wrote has no
 * other place any more: it becomes a new errand that was refused.
 */
export function onceGone(entry: Entry): Entry | null {
  const { action, refused } = entry;
  if (action.do === 'send' || !refused) return entry;
  const text = 'body' in action ? action.body.text : undefined;
  const attachments = [...filesOf(entry)];
  if (text === undefined && attachments.length === 0) return null;
  const body = { prompt: text ?? '', ...(attachments.length > 0 && { attachments }) };
  return { ...entry, action: { do: 'send', body }, gone: true };
}

/** The entry once an attempt got an answer. */
export function withoutFailure(entry: Entry): Entry {
  const { failed: _, ...rest } = entry;
  return rest;
}

/** The attachments that an entry takes with it. */
export function filesOf({ action }: Entry): readonly string[] {
  const takes_files = action.do === 'send' || action.do === 'say' || action.do === 'answer';
  return takes_files ? (action.body.attachments ?? []) : [];
}

/**
 * The first entry of each errand that may be sent now, in order. What failed waits for its time, and holds those of the
 * same errand behind it. A decision that can be undone holds what is said behind it: to an errand that asks, those
 * words would be the answer. A stop passes what cannot have arrived, such as what takes long to upload.
 */
export function headsOf(entries: readonly Entry[], now_ms: number): Entry[] {
  const heads: Entry[] = [];
  const begun = new Set<string>();
  const arriving = new Set<string>();
  const undecided = new Set<string>();
  for (const entry of entries.filter(isWaiting)) {
    const { action, held_until, failed, tried } = entry;
    const of = action.do === 'send' ? entry.key : action.task_id;
    if (held_until !== undefined && Date.parse(held_until) > now_ms) {
      undecided.add(of);
      continue;
    }
    const is_behind = action.do === 'stop' ? arriving.has(of) : begun.has(of);
    if (is_behind || (action.do === 'say' && undecided.has(of))) continue;
    begun.add(of);
    if (tried) arriving.add(of);
    if (!failed || againAt(failed) <= now_ms) heads.push(entry);
  }
  return heads;
}

/** When an entry that failed is tried again, in milliseconds since the epoch. */
export function againAt({ at, attempts }: NonNullable<Entry['failed']>): number {
  return Date.parse(at) + backoffMs(AGAIN, attempts);
}

/** The server no longer knows the key of an entry that may have arrived: to send it again could do it twice. */
export function isTooOld({ at, tried }: Entry): boolean {
  return tried && Date.now() - Date.parse(at) > LIMITS.idempotency_key_s * 1000;
}
