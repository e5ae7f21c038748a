import { LIMITS } from '../../protocol/limits.ts';
import { DueQueue } from '../base/due-queue.ts';
import type { Logger } from '../base/logger.ts';
import { hasToWait, nextTryAt, type BackoffTimes } from '../base/retry.ts';
import { isoTime } from '../base/iso-time.ts';
import { deleteChannel, findChannel, putChannelAnswer } from '../sqlite/channels.ts';
import type { Db } from '../sqlite/database.ts';
import type { EventLog } from '../sqlite/event-log.ts';
import {
  bringNotificationsForward,
  listDue,
  nextDueAt,
  postpone,
  settle,
  type NotificationRow,
} from '../sqlite/notifications.ts';
import { isDelivered, isGone, shown, type Delivery } from './delivery.ts';
import { compose } from './message.ts';
import type { Answer } from './post.ts';
import type { Presence } from './presence.ts';

/** The waits after failures. */
export const RETRY_TIMES: BackoffTimes = { first_ms: 5_000, max_ms: 3600_000 };

type Due = NotificationRow & { user_id: string };

type Dependencies = {
  log: EventLog;
  delivery: Delivery;
  presence: Presence;
  times: BackoffTimes;
  now: () => number;
  logger: Logger;
};

const MINUTE_MS = 60_000;

/**
 * Sends the notifications that are due: each channel one after the other, several channels at once. What the other side
 * answers is stored with what becomes of the notification. A server that dies between the two sends it again, with the
 * same id: devices and webhooks tell by it that they have it.
 */
export class Sender {
  readonly #deps: Dependencies;
  readonly #queue: DueQueue<Due>;
  readonly #sent_at = new Map<string, number[]>();
  /** Until when the other side of a channel takes nothing. */
  readonly #limited_until = new Map<string, number>();

  constructor(deps: Dependencies) {
    this.#deps = deps;
    const { log, times, now, logger } = deps;
    this.#queue = new DueQueue({
      name: 'notifications',
      listDue: (at, limit) => listDue(log.db, at, limit),
      nextAt: (at) => nextDueAt(log.db, at),
      bringForward: (latest, at) => log.write(({ db }) => bringNotificationsForward(db, latest, at)),
      keyOf: ({ channel_id }) => channel_id,
      at_once_max: LIMITS.notifications_at_once_max,
      groupsOf: ({ user_id }) => [{ name: user_id, at_once_max: LIMITS.notifications_per_user_at_once_max }],
      work: (due, stopped) => this.#deliver(due, stopped),
      pause_ms: times.first_ms,
      now,
      logger,
    });
  }

  start(): void {
    this.#queue.start();
  }

  /** Call it when a notification may have become due. */
  wake(): void {
    this.#queue.wake();
  }

  /** Ends the requests in progress: they are sent again at the next start. */
  stop(): Promise<void> {
    return this.#queue.stop();
  }

  async #deliver(due: Due, stopped: AbortSignal): Promise<void> {
    const { log, delivery, presence, now } = this.#deps;
    const channel = findChannel(log.db, due.channel_id);
    const composed = compose(log.db, due);
    // A program wants what has happened, a person what is true now.
    const told = composed && (composed.current || channel?.kind === 'webhook') ? composed.message : undefined;
    const seen = presence.of(due.channel_id, due.task_id, Date.parse(due.created_at));
    if (!channel || !told || seen === 'seen') return this.#write((db) => settle(db, due.id));
    const wait_until = seen === 'tell' ? this.#allowedAt(channel.id) : seen.until;
    if (wait_until > now()) return this.#write((db) => postpone(db, due.id, isoTime(wait_until), false));
    const answer = await delivery.send(channel, told, stopped);
    if (!stopped.aborted) this.#store(due, answer, isGone(channel, answer));
  }

  /** Stores what the other side answered, and what follows from it. */
  #store(due: Due, answer: Answer, gone: boolean): void {
    const { now, logger } = this.#deps;
    const delivered = isDelivered(answer);
    const next = delivered || !answer.retry ? undefined : this.#retryAt(due, answer);
    this.#write((db) => {
      if (gone) return void deleteChannel(db, due.channel_id);
      putChannelAnswer(db, due.channel_id, shown(answer, isoTime(now())));
      if (next === undefined) settle(db, due.id);
      else postpone(db, due.id, isoTime(next), true);
    });
    const { channel_id, occasion } = due;
    const fields = { channel_id, occasion, status: answer.status, tries: due.tries + 1 };
    if (delivered) logger.debug(fields, 'notification sent');
    else if (gone) logger.info(fields, 'device removed: its push subscription is gone');
    else logger.info({ ...fields, detail: answer.detail, retries: next !== undefined }, 'notification not accepted');
  }

  /** What was sent would be sent again and again if a full disk stopped this. */
  #write(work: (db: Db) => void): void {
    this.#deps.log.write(({ db }) => work(db), { urgent: true });
  }

  /** When to try again, in milliseconds since 1970. Undefined: it is given up. */
  #retryAt({ tries, created_at, channel_id }: Due, { status, retry_after_s = 0 }: Answer): number | undefined {
    const { times, now } = this.#deps;
    const not_before = now() + Math.min(retry_after_s * 1000, times.max_ms);
    const at = nextTryAt(times, { tries, now: now(), not_before });
    if (status === 429) this.#limit(channel_id, at);
    return at > Date.parse(created_at) + LIMITS.notification_ttl_s * 1000 ? undefined : at;
  }

  /** What else a limited channel is to be told would be refused too, and may make the wait longer. */
  #limit(channel_id: string, until: number): void {
    const now = this.#deps.now();
    for (const [id, end] of this.#limited_until) if (end <= now) this.#limited_until.delete(id);
    this.#limited_until.set(channel_id, until);
  }

  /** When the channel may be sent something again, and counts it as sent if that is now. */
  #allowedAt(channel_id: string): number {
    const now = this.#deps.now();
    const limited_until = this.#limited_until.get(channel_id) ?? 0;
    if (hasToWait(limited_until, now)) return limited_until;
    this.#limited_until.delete(channel_id);
    const sent = (this.#sent_at.get(channel_id) ?? []).filter((at) => at > now - MINUTE_MS && at <= now);
    const first = sent.at(-LIMITS.notifications_per_minute_max);
    if (first !== undefined) return first + MINUTE_MS;
    this.#sent_at.delete(channel_id);
    this.#sent_at.set(channel_id, [...sent, now]);
    for (const [oldest, times] of this.#sent_at) {
      if ((times.at(-1) ?? 0) > now - MINUTE_MS) break;
      this.#sent_at.delete(oldest);
    }
    return now;
  }
}
