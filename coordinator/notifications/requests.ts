import type { NeedOption } from '../../protocol/needs.ts';
import { createECDH, createHash, createHmac, randomBytes } from 'node:crypto';
import { encrypt } from 'http_ece';
import type { PushBody, WebhookBody } from '../../protocol/notifications.ts';
import { LIMITS } from '../../protocol/limits.ts';
import type { Address } from './address.ts';
import type { Message } from './message.ts';
import type { PushKeys } from './push-keys.ts';
import { optionWords, wordsOf } from './words.ts';

/** A request to the other side of a channel. */
export type Outgoing = { url: URL; headers: Record<string, string>; body: Buffer };

type PushAddress = Extract<Address, { kind: 'push' }>;
type WebhookAddress = Extract<Address, { kind: 'webhook' }>;
type NtfyAddress = Extract<Address, { kind: 'ntfy' }>;

/**
 * Browsers show two short buttons on a notification. A question with more, or longer, choices is answered in the app.
 */
const ACTIONS_MAX = 2;
const ACTION_CHARS_MAX = 40;

function fitOnButtons(options: NeedOption[]): boolean {
  return options.length <= ACTIONS_MAX && options.every(({ label }) => label.length <= ACTION_CHARS_MAX);
}

/** The address of a page of the app. `base`: the app's own address. */
function pageOf(base: string, path: string): string {
  return new URL(path, base.endsWith('/') ? base : `${base}/`).href;
}

/** The page that a notification opens: the decision alone, where it asks for one. Null: a test has none. */
function placeOf({ task, schedule, need }: Message): string | null {
  if (schedule !== null) return `settings/schedules/${schedule.id}`;
  if (task === null) return null;
  return need === null ? `errands/${task.id}` : `errands/${task.id}/decision`;
}

/** The same for all messages about the same errand or schedule: the newest takes the place of the others. */
function tagOf({ task, schedule }: Message): string {
  if (schedule !== null) return `schedule-${schedule.id}`;
  return task === null ? 'test' : `errand-${task.id}`;
}

/** A message to a device, encrypted (RFC 8291). `tokenFor` makes the token that answers a question. */
export async function pushRequest(
  { subscription, app_url, language }: PushAddress,
  message: Message,
  keys: PushKeys,
  tokenFor: ((value: string) => string) | null,
): Promise<Outgoing> {
  const url = new URL(subscription.endpoint);
  const plain = Buffer.from(JSON.stringify(pushBody(message, { app_url, language }, tokenFor)));
  const body = encrypt(plain, {
    version: 'aes128gcm',
    privateKey: oneTimeKeys(),
    dh: subscription.keys.p256dh,
    authSecret: subscription.keys.auth,
  });
  const about = message.task ?? message.schedule;
  const headers = {
    authorization: await keys.authorization(url),
    'content-encoding': 'aes128gcm',
    // That of the message inside: a declarative notification.
    'content-type': 'application/notification+json',
    ttl: String(LIMITS.notification_ttl_s),
    urgency: message.occasion === 'needs_you' ? 'high' : 'normal',
    // The push service drops what it still holds about the same.
    ...(about && { topic: createHash('sha256').update(about.id).digest('base64url').slice(0, 32) }),
  };
  return { url, headers, body };
}

function oneTimeKeys() {
  const keys = createECDH('prime256v1');
  keys.generateKeys();
  return keys;
}

function pushBody(
  message: Message,
  { app_url, language }: Pick<PushAddress, 'app_url' | 'language'>,
  tokenFor: ((value: string) => string) | null,
): PushBody {
  const { title, line } = wordsOf(message, language);
  const { id, task, occasion } = message;
  const navigate = pageOf(app_url, placeOf(message) ?? 'settings/notifications');
  const said = message.options.map((option) => ({ ...option, label: optionWords(message, option, language) }));
  const options = tokenFor && fitOnButtons(said) ? said : [];
  const actions = options.map(({ label }, i) => ({ action: `answer-${i}`, title: label, navigate }));
  const answers = Object.fromEntries(options.map(({ value }, i) => [`answer-${i}`, tokenFor?.(value) ?? '']));
  return {
    web_push: 8030,
    notification: {
      title,
      body: line,
      lang: language,
      dir: 'auto',
      navigate,
      tag: tagOf(message),
      data: { id, task_id: task?.id ?? null, occasion, answers },
      actions,
    },
  };
}

/** A signed webhook in the form of standardwebhooks.com. `now`: milliseconds since 1970. */
export function webhookRequest(
  { url, secret }: WebhookAddress,
  message: Message,
  app_url: string | undefined,
  now: number,
): Outgoing {
  const { id, occasion, at, task, schedule, text, options } = message;
  const place = placeOf({ ...message, need: null });
  const content: WebhookBody = {
    type: `errand.${occasion ?? 'test'}`,
    timestamp: at,
    data: {
      task_id: task?.id ?? null,
      schedule_id: schedule?.id ?? null,
      title: task?.title ?? schedule?.name ?? 'Errand',
      text,
      repo_url: task?.repo_url ?? null,
      branch: task?.branch ?? null,
      options: options.map(({ label }) => label),
      url: place === null || app_url === undefined ? null : pageOf(app_url, place),
    },
  };
  const body = Buffer.from(JSON.stringify(content));
  const timestamp = String(Math.floor(now / 1000));
  const key = Buffer.from(secret.slice(SECRET_PREFIX.length), 'base64');
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64');
  const headers = {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${signature}`,
  };
  return { url: new URL(url), headers, body };
}

const SECRET_PREFIX = 'whsec_';

/** A new key for the signatures of a webhook. */
export function newWebhookSecret(): string {
  return SECRET_PREFIX + randomBytes(32).toString('base64');
}

/** A message on an ntfy topic. */
export function ntfyRequest(
  { server, topic, token, language }: NtfyAddress,
  message: Message,
  app_url: string | undefined,
): Outgoing {
  const { title, line } = wordsOf(message, language);
  const place = placeOf(message);
  const body = Buffer.from(
    JSON.stringify({
      topic,
      title,
      message: line,
      priority: message.occasion === 'needs_you' ? 4 : 3,
      ...(place !== null && app_url !== undefined && { click: pageOf(app_url, place) }),
    }),
  );
  const headers = {
    'content-type': 'application/json',
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
  };
  return { url: new URL(server), headers, body };
}
