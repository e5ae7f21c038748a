import { setTimeout as delay } from 'node:timers/promises';
import { newId } from '../../protocol/ids.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { within } from '../base/deadline.ts';
import type { Logger } from '../base/logger.ts';
import { deleteChannel, findChannel, putChannelAnswer } from '../sqlite/channels.ts';
import type { EventLog } from '../sqlite/event-log.ts';
import {
  listDue,
  nextDueAt,
  postpone,
  pruneNotifications,
  settle,
  type NotificationRow,
} from '../sqlite/notifications.ts';
import { isDelivered, isGone, shown, type Delivery } from './delivery.ts';
import { compose } from './message.ts';
import type { Answer } from './post.ts';
import type { Presence } from './presence.ts';

/** The waits after failures, in milliseconds: each is four times the one before. */
export type RetryTimes = { first_ms: number; max_ms: number };
export const RETRY_TIMES: RetryTimes = { first_ms: 5_000, max_ms: 3600_000 };

type Due = NotificationRow & { user_id: string };

type Dependencies = {
  log: EventLog;
  delivery: Delivery;
  presence: Presence;
  times: RetryTimes;
  now: () => number;
  logger: Logger;
};

/** Looked at in one round: the first of so many channels. */
const DUE_MAX = 200;
/** The longest sleep. */
const SLEEP_MS = 60_000;
const MINUTE_MS = 60_000;
/** Settled notifications are kept for this long, so that nothing is told twice. */
const KEPT_MS = 7 * 24 * 3600_000;
const STOP_MS = 2_000;

/**
 * Sends the notifications that are due: each channel one after the other, several channels at once. What the other side
 * answers is stored with what becomes of the notification. A server that dies between the two sends it again, with the
 * same id: devices and webhooks tell by it that they have it.
 */
export class Sender {
  readonly #deps: Dependencies;
  readonly #stopped = new AbortController();
  readonly #sending = new Map<string, { user_id: string; done: Promise<void> }>();
  readonly #sent_at = new Map<string, number[]>();
  #wake: () => void = () => undefined;
  #work: Promise<void> = Promise.resolve();

  constructor(deps: Dependencies) {
    this.#deps = deps;
  }

  start(): void {
    this.#work = this.#run();
  }

  /** Call it when a notification may have become due. */
  wake(): void {
    this.#wake();
  }

  /** Ends the requests in progress: they are sent again at the next start. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#wake();
    await within(STOP_MS, Promise.all([this.#work, ...[...this.#sending.values()].map(({ done }) => done)]));
  }

  async #run(): Promise<void> {
    const { log, now, logger } = this.#deps;
    while (!this.#stopped.signal.aborted) {
      const woken = new AbortController();
      this.#wake = () => woken.abort();
      let sleep_ms = SLEEP_MS;
      try {
        this.#startDue();
        const next = nextDueAt(log.db, iso(now()));
        if (next !== undefined) sleep_ms = Math.min(sleep_ms, Math.max(10, Date.parse(next) - now()));
      } catch (error) {
        logger.error({ err: error }, 'notifications could not be read; retrying');
      }
      const signal = AbortSignal.any([woken.signal, this.#stopped.signal]);
      await delay(sleep_ms, undefined, { ref: false, signal }).catch(() => undefined);
    }
  }

  /** Starts to send what is due, as far as the limits allow. The end of each wakes the next round. */
  #startDue(): void {
    const { log, now } = this.#deps;
    for (const due of listDue(log.db, iso(now()), DUE_MAX)) {
      if (this.#sending.size >= LIMITS.notifications_at_once_max) return;
      const { channel_id, user_id } = due;
      const own = [...this.#sending.values()].filter((other) => other.user_id === user_id);
      if (this.#sending.has(channel_id) || own.length >= LIMITS.notifications_per_user_at_once_max) continue;
      const done = this.#deliver(due)
        .catch((error: unknown) => this.#putOff(due, error))
        .finally(() => {
          this.#sending.delete(channel_id);
          this.#wake();
        });
      this.#sending.set(channel_id, { user_id, done });
    }
  }

  async #deliver(due: Due): Promise<void> {
    const { log, delivery, presence, now } = this.#deps;
    const channel = findChannel(log.db, due.channel_id);
    const composed = compose(log.db, due);
    // A program wants what has happened, a person what is true now.
    const told = composed && (composed.current || channel?.kind === 'webhook') ? composed.message : undefined;
    const seen = presence.of(due.channel_id, due.task_id, Date.parse(due.created_at));
    if (!channel || !told || seen === 'seen') return log.write(({ db }) => settle(db, due.id));
    const wait_until = seen === 'tell' ? this.#allowedAt(channel.id) : seen.until;
    if (wait_until > now()) return log.write(({ db }) => postpone(db, due.id, iso(wait_until), false));
    const answer = await delivery.send(channel, told, this.#stopped.signal);
    if (!this.#stopped.signal.aborted) this.#store(due, answer, isGone(channel, answer));
  }

  /** Stores what the other side answered, and what follows from it. */
  #store(due: Due, answer: Answer, gone: boolean): void {
    const { log, now, logger } = this.#deps;
    const delivered = isDelivered(answer);
    const next = delivered || !answer.retry ? undefined : this.#retryAt(due, answer);
    log.write(({ db }) => {
      if (gone) return deleteChannel(db, due.channel_id);
      putChannelAnswer(db, due.channel_id, shown(answer, iso(now())));
      if (next === undefined) settle(db, due.id);
      else postpone(db, due.id, iso(next), true);
      pruneNotifications(db, newId(now() - KEPT_MS));
      return true;
    });
    const { channel_id, occasion } = due;
    const fields = { channel_id, occasion, status: answer.status, tries: due.tries + 1 };
    if (delivered) logger.debug(fields, 'notification sent');
    else if (gone) logger.info(fields, 'device removed: its push subscription is gone');
    else logger.info({ ...fields, detail: answer.detail, retries: next !== undefined }, 'notification not accepted');
  }

  /** When to try again, in milliseconds since 1970. Undefined: it is given up. */
  #retryAt({ tries, created_at }: Due, { retry_after_s = 0 }: Answer): number | undefined {
    const { times, now } = this.#deps;
    const wait_ms = Math.max(times.first_ms * 4 ** tries, retry_after_s * 1000);
    const at = now() + Math.min(wait_ms, times.max_ms);
    return at > Date.parse(created_at) + LIMITS.notification_ttl_s * 1000 ? undefined : at;
  }

  /** When the channel may be sent something again, and counts it as sent if that is now. */
  #allowedAt(channel_id: string): number {
    const now = this.#deps.now();
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

  /** After an error of the server itself, such as a full disk: that must not be tried again at once. */
  async #putOff(due: Due, error: unknown): Promise<void> {
    const { logger, times } = this.#deps;
    logger.error({ err: error, channel_id: due.channel_id }, 'notification failed; retrying');
    await delay(times.first_ms, undefined, { ref: false, signal: this.#stopped.signal }).catch(() => undefined);
  }
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
