import { z } from 'zod';
import { SCHEMA_WORDS } from './refusal-reasons.ts';
import { OCCASIONS } from './without-schemas.ts';
import { Id, Time } from './ids.ts';
import { LIMITS } from './limits.ts';

/*
 * Notifications. A person has channels: devices (Web Push), webhooks and ntfy topics. Each channel is told of the four
 * occasions of their errands, unless it has switched one off or the errand is muted.
 */

/**
 * What a channel is told of. `needs_you`: an errand asks the person. `done`: it succeeded. `failed`: it failed.
 * `limit`: a limit stopped it, such as its budget. That somebody cancelled it is no occasion.
 */
export const Occasion = z.enum(OCCASIONS);
export type Occasion = z.infer<typeof Occasion>;

export const ChannelKind = z.enum(['push', 'webhook', 'ntfy']);
export type ChannelKind = z.infer<typeof ChannelKind>;

/** The languages that the server writes notifications in. */
export const NoticeLanguage = z.enum(['en', 'de']);
export type NoticeLanguage = z.infer<typeof NoticeLanguage>;

const Name = z.string().trim().min(1, 'is empty').max(100);
const Occasions = z.array(Occasion).max(Occasion.options.length).describe('absent: all of them');
/** An address that the server may send to. It refuses http where the owner has not listed the host. */
const Address = z
  .string()
  .max(LIMITS.channel_url_chars_max)
  .regex(/^https?:\/\/[^\s/?#@]+([/?#]\S*)?$/, SCHEMA_WORDS.not_web_address);

/** What a browser's `PushSubscription.toJSON()` gives: where to send, and the keys to encrypt with (RFC 8291). */
export const PushSubscription = z.object({
  endpoint: Address,
  keys: z.object({
    p256dh: z.string().regex(/^[\w-]{87}=?$/, 'is not a public key on the curve P-256 in base64url'),
    auth: z.string().regex(/^[\w-]{22}(==)?$/, 'is not a secret of 16 bytes in base64url'),
  }),
});
export type PushSubscription = z.infer<typeof PushSubscription>;

const shared = { name: Name, occasions: Occasions.optional() };
const project_id = Id.optional().describe('only the errands of this project; absent: all errands of the person');

/** Adds a channel. */
export const ChannelCreate = z.discriminatedUnion('kind', [
  z
    .strictObject({
      kind: z.literal('push'),
      ...shared,
      subscription: PushSubscription,
      app_url: Address.describe('the address of the app on the device; notifications open pages below it'),
      language: NoticeLanguage.default('en'),
    })
    .describe('This device. It takes the place of what the same log-in, or the same browser, registered before.'),
  z
    .strictObject({ kind: z.literal('webhook'), ...shared, project_id, url: Address })
    .describe('A webhook, signed in the form of standardwebhooks.com.'),
  z
    .strictObject({
      kind: z.literal('ntfy'),
      ...shared,
      project_id,
      server: Address.default('https://ntfy.sh'),
      topic: z.string().regex(/^[-_A-Za-z0-9]{1,64}$/, SCHEMA_WORDS.not_topic),
      token: z
        .string()
        .regex(/^[\x21-\x7e]{1,200}$/, 'is not an access token')
        .optional()
        .describe('an access token of the ntfy server; it is stored encrypted'),
      language: NoticeLanguage.default('en'),
    })
    .describe('A topic of an ntfy server.'),
]);
export type ChannelCreate = z.infer<typeof ChannelCreate>;

/** Changes a channel. Absent fields stay unchanged. */
export const ChannelPatch = z.strictObject({ name: Name.optional(), occasions: Occasions.optional() });
export type ChannelPatch = z.infer<typeof ChannelPatch>;

/** What the other side answered last. `status`: of HTTP; null: there was no answer. `detail`: for people. */
export const ChannelAnswer = z.object({
  at: Time,
  ok: z.boolean(),
  status: z.number().int().nullable(),
  detail: z.string(),
});
export type ChannelAnswer = z.infer<typeof ChannelAnswer>;

/** A channel as its person sees it. The address itself is secret: only its host is shown. */
export const Channel = z.object({
  id: Id,
  kind: ChannelKind,
  name: z.string(),
  host: z.string().describe('the host of the push service, of the webhook or of the ntfy server'),
  project_id: Id.nullable().describe('only the errands of this project; null: all'),
  occasions: z.array(Occasion),
  current: z.boolean().describe('the device that asks'),
  created_at: Time,
  last_answer: ChannelAnswer.nullable().describe('null: nothing was sent yet'),
});
export type Channel = z.infer<typeof Channel>;

/** A new channel. `secret`: the key of a webhook's signatures, which is never shown again; null for the others. */
export const ChannelCreated = Channel.extend({ secret: z.string().nullable() });
export type ChannelCreated = z.infer<typeof ChannelCreated>;

/** Newest first. `next_cursor` is null at the end. */
export const ChannelPage = z.object({ items: z.array(Channel), next_cursor: Id.nullable() });
export type ChannelPage = z.infer<typeof ChannelPage>;

/** The server's public key (P-256, uncompressed, base64url): the `applicationServerKey` of a subscription. */
export const PushKey = z.object({ public_key: z.string() });

/**
 * The errand that the device shows on its screen now; null: none. A device that shows an errand is not notified of it.
 * It holds for `LIMITS.presence_ms`, so the device repeats it while the errand stays on the screen.
 */
export const Presence = z.strictObject({ task_id: Id.nullable() });
export type Presence = z.infer<typeof Presence>;

/** The answer to a question of a notification. `token` came with the notification, and has the answer's text. */
export const NoticeAnswer = z.strictObject({ token: z.string().min(1).max(4000) });
export type NoticeAnswer = z.infer<typeof NoticeAnswer>;
export const NoticeAnswered = z.object({ task_id: Id, text: z.string().describe('what was answered') });

/** Whether the person's channels are told of an errand. */
export const TaskNotifications = z.strictObject({ muted: z.boolean() });
export type TaskNotifications = z.infer<typeof TaskNotifications>;

/**
 * The body of a webhook: `POST` to its address with the headers `webhook-id`, `webhook-timestamp` (seconds since 1970)
 * and `webhook-signature`: `v1,` and the base64 of HMAC-SHA-256 over `<id>.<timestamp>.<body>`, with the bytes after
 * `whsec_` of the secret as key (base64). A repeat of a lost answer has the same `webhook-id`: handle each id once. Any
 * 2xx is a success; 408, 425, 429, 5xx and a lost connection are retried for a day; anything else is given up.
 */
export const WebhookBody = z.object({
  type: z.enum(['errand.needs_you', 'errand.done', 'errand.failed', 'errand.limit', 'errand.test']),
  timestamp: Time.describe('when it happened'),
  data: z.object({
    task_id: Id.nullable().describe('null in a test, and where it is about a schedule'),
    schedule_id: Id.nullable().describe('the schedule that has paused itself; null where it is about an errand'),
    title: z.string(),
    text: z.string().describe('the question, the summary, or why it failed'),
    repo_url: z.string().nullable(),
    branch: z.string().nullable(),
    options: z.array(z.string()).describe('the choices of a question that has some'),
    url: z
      .string()
      .nullable()
      .describe("the errand, or the schedule, in the app; null where the server's own address is not known"),
  }),
});
export type WebhookBody = z.infer<typeof WebhookBody>;

/**
 * What a push message carries, encrypted: a declarative notification, which iOS shows by itself. Other browsers hand it
 * to the service worker, which shows the same. `data.answers` has a token for each of `actions`, for `POST /answers`.
 */
export const PushBody = z.object({
  web_push: z.literal(8030),
  notification: z.object({
    title: z.string(),
    body: z.string(),
    lang: z.string(),
    dir: z.literal('auto'),
    navigate: z.string().describe('what a touch opens'),
    tag: z.string().describe('a newer notification takes the place of an older one with the same tag'),
    data: z.object({
      id: Id.describe('of this message; a repeat has the same'),
      task_id: Id.nullable(),
      occasion: Occasion.nullable().describe('null in a test'),
      answers: z.record(z.string(), z.string()),
    }),
    actions: z.array(z.object({ action: z.string(), title: z.string(), navigate: z.string() })),
  }),
});
export type PushBody = z.infer<typeof PushBody>;
