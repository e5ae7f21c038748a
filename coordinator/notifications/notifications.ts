import { newId } from '../../protocol/ids.ts';
import { LIMITS } from '../../protocol/limits.ts';
import type { Channel, ChannelCreate, NoticeAnswer } from '../../protocol/notifications.ts';
import type { Config } from '../base/config.ts';
import type { Keys } from '../base/keys.ts';
import type { Logger } from '../base/logger.ts';
import { networkOf } from '../base/network-of.ts';
import type { OwnAddresses } from '../base/own-addresses.ts';
import { Rate } from '../base/rate.ts';
import type { BackoffTimes } from '../base/retry.ts';
import { deleteChannel, isMuted, putChannelAnswer, setMuted } from '../sqlite/channels.ts';
import type { DurableSubscriber } from '../sqlite/durable-subscriber.ts';
import type { EventLog, Tx } from '../sqlite/event-log.ts';
import { hurry } from '../sqlite/notifications.ts';
import { findOwner } from '../sqlite/users.ts';
import { requireTask } from '../tasks/task-commands.ts';
import { answer, type AuditAnswer } from './answers.ts';
import { Channels, requireChannel, viewOf, type Who } from './channels.ts';
import { Delivery, isGone, shown } from './delivery.ts';
import { fanOut } from './fan-out.ts';
import { Poster } from './post.ts';
import { Presence } from './presence.ts';
import { readPushKeys, type PushKeys } from './push-keys.ts';
import { RETRY_TIMES, Sender } from './sender.ts';

type Dependencies = {
  log: EventLog;
  keys: Keys;
  config: Pick<Config, 'private_hosts' | 'proxy' | 'public_url' | 'push_contact' | 'member_budget_usd_max'>;
  push_keys: PushKeys;
  /** By default those of the machine's interfaces. */
  own_addresses?: OwnAddresses;
  logger: Logger;
  times: BackoffTimes;
  /** Milliseconds since 1970. */
  now: () => number;
};

/** The notifications of a server. At the first start it makes the key pair for Web Push. */
export function openNotifications({
  times = RETRY_TIMES,
  now = Date.now,
  ...core
}: Omit<Dependencies, 'push_keys' | 'times' | 'now'> & Partial<Pick<Dependencies, 'times' | 'now'>>): Notifications {
  const { log, keys, config, logger } = core;
  const push_keys = readPushKeys(log, keys, () => contactOf(log, config), logger);
  return new Notifications({ ...core, push_keys, times, now });
}

const CREATED_PER_MINUTE_MAX = 60;
const PRESENCE_PER_MINUTE_MAX = 240;
const ANSWERS_PER_MINUTE_MAX = 60;

/** Tells people what happens to their errands, and takes their answers. */
export class Notifications {
  readonly channels: Channels;
  readonly #log: EventLog;
  readonly #keys: Keys;
  readonly #config: Pick<Config, 'member_budget_usd_max'>;
  readonly #now: () => number;
  readonly #push_keys: PushKeys;
  readonly #poster: Poster;
  readonly #presence: Presence;
  readonly #delivery: Delivery;
  readonly #sender: Sender;
  readonly #fan_out: DurableSubscriber;
  readonly #stopped = new AbortController();
  readonly #rates: Record<'create' | 'test' | 'presence' | 'answer', Rate>;

  constructor({ log, keys, config, own_addresses, push_keys, logger, times, now }: Dependencies) {
    this.#log = log;
    this.#keys = keys;
    this.#config = config;
    this.#now = now;
    this.#push_keys = push_keys;
    this.#poster = new Poster(config.private_hosts, config.proxy, own_addresses?.all);
    this.#presence = new Presence(now);
    const app_url = config.public_url;
    this.#delivery = new Delivery({ keys, push_keys, poster: this.#poster, app_url, now });
    const parts = { log, delivery: this.#delivery, presence: this.#presence };
    this.#sender = new Sender({ ...parts, times, now, logger });
    this.#fan_out = fanOut(log, logger, () => this.#sender.wake());
    this.channels = new Channels({ log, keys, private_hosts: config.private_hosts, guard: this.#poster.guard });
    this.#rates = {
      create: new Rate(CREATED_PER_MINUTE_MAX, 'You add channels too often.', now),
      test: new Rate(LIMITS.channel_tests_per_minute_max, 'You test your channels too often.', now),
      presence: new Rate(PRESENCE_PER_MINUTE_MAX, 'The device says too often what it shows.', now),
      answer: new Rate(ANSWERS_PER_MINUTE_MAX, 'Too many answers come from your address.', now),
    };
  }

  start(): void {
    this.#fan_out.start();
    this.#sender.start();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#fan_out.stop();
    await this.#sender.stop();
    await this.#poster.close();
  }

  /** The `applicationServerKey` of subscriptions. */
  get public_key(): string {
    return this.#push_keys.public_key;
  }

  /** Rejects if a new channel's address may not be sent to, or the person adds channels too often. */
  async beforeCreate({ user_id }: Who, input: ChannelCreate): Promise<void> {
    this.#rates.create.take(user_id);
    await this.channels.check(input);
  }

  /** Sends a test now, and resolves with the channel and what the other side answered. */
  async test(who: Who, id: string): Promise<Channel> {
    const row = requireChannel(this.#log.db, who, id);
    this.#rates.test.take(who.user_id);
    const at = new Date(this.#now()).toISOString();
    const nothing = { task: null, schedule: null, need: null, text: '', options: [] };
    const message = { id: newId(), occasion: null, at, ...nothing };
    const answered = await this.#delivery.send(row, message, this.#stopped.signal);
    const last = shown(answered, new Date(this.#now()).toISOString());
    this.#log.write(({ db }) => {
      if (isGone(row, answered)) deleteChannel(db, id);
      else putChannelAnswer(db, id, last);
    });
    return viewOf({ ...row, answer: last }, who.session);
  }

  /** The device shows this errand now; null: none. What was held back for that reason is looked at again. */
  show(who: Who, id: string, task_id: string | null): void {
    this.#rates.presence.take(who.user_id);
    requireChannel(this.#log.db, who, id);
    this.#presence.put(id, task_id);
    this.#log.write(({ db }) => hurry(db, id, new Date(this.#now()).toISOString()));
    this.#sender.wake();
  }

  /** Call it when a notification was stored that is not of the log. */
  wake(): void {
    this.#sender.wake();
  }

  /** Answers a question with the token from a notification. `address`: the client's. `audit` records it. */
  answer({ token }: NoticeAnswer, address: string, audit: AuditAnswer): { task_id: string; text: string } {
    this.#rates.answer.take(networkOf(address));
    const parts = { keys: this.#keys, config: this.#config, audit };
    return this.#log.write((tx) => answer(tx, parts, token, new Date(this.#now()).toISOString()));
  }

  isMuted(user_id: string, task_id: string): boolean {
    requireTask(this.#log.db, user_id, task_id);
    return isMuted(this.#log.db, task_id);
  }

  mute(tx: Tx, user_id: string, task_id: string, muted: boolean): void {
    requireTask(tx.db, user_id, task_id);
    setMuted(tx.db, task_id, muted);
  }
}

/** Whom a push service can write to: as the settings say, else the server's address, else its owner. */
function contactOf(
  { db }: EventLog,
  { push_contact, public_url }: Pick<Config, 'push_contact' | 'public_url'>,
): string {
  if (push_contact !== undefined) return push_contact;
  if (public_url?.startsWith('https://')) return public_url;
  return `mailto:${findOwner(db)?.email ?? 'owner@example.org'}`;
}
