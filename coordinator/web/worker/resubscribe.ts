import { chooseLanguage, languageOf } from '../../../protocol/choose-language.ts';
import { deviceName } from '../../../protocol/device-name.ts';
import { newId } from '../../../protocol/new-id.ts';
import type { ChannelCreate } from '../../../protocol/notifications.ts';
import { Database, databaseName } from '../store/database.ts';
import { sessionStore } from '../store/storage.ts';
import { Texts } from '../store/texts.ts';

/** What `lib.webworker` does not know yet. Some browsers leave both out. */
export type PushChange = ExtendableEvent & {
  readonly oldSubscription?: PushSubscription | null;
  readonly newSubscription?: PushSubscription | null;
};

type Tokens = { access_token: string; refresh_token: string; expires_in: number };

/** An access token that expires within this time is renewed before use. */
const EXPIRES_SOON_MS = 30_000;
/** How long an answer may take: the app waits meanwhile, where the worker renews the log-in. */
const ANSWER_MS = 30_000;

/**
 * Tells the server of a subscription that the browser has replaced, so that the device is notified although nobody
 * opens the app. Without a network the app does it at its next start. `base`: the path of the app, such as
 * `/errand/`.
 */
export async function resubscribe(scope: ServiceWorkerGlobalScope, event: PushChange, base: string): Promise<void> {
  const path = base.replace(/\/$/, '');
  const database = new Database(databaseName(path));
  try {
    const wanted = await new Texts(database).read('push');
    const token = wanted === undefined ? undefined : await accessToken(scope, database);
    if (token === undefined) return;
    const subscription = event.newSubscription ?? (await subscribe(scope, event, token));
    const { endpoint = '', keys = {} } = subscription.toJSON();
    const body: ChannelCreate = {
      kind: 'push',
      name: deviceName(navigator.userAgent) ?? 'Browser',
      language: languageOf(chooseLanguage(navigator.languages)),
      app_url: new URL(base, scope.location.href).href,
      subscription: { endpoint, keys: { p256dh: keys['p256dh'] ?? '', auth: keys['auth'] ?? '' } },
    };
    await ask(scope, 'channels', token, body);
  } finally {
    database.close();
  }
}

async function subscribe(
  scope: ServiceWorkerGlobalScope,
  { oldSubscription }: PushChange,
  token: string,
): Promise<PushSubscription> {
  const known = oldSubscription?.options.applicationServerKey;
  const applicationServerKey = known ?? ((await ask(scope, 'push-key', token)) as { public_key: string }).public_key;
  return scope.registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey });
}

/** The access token of the log-in that the app keeps, renewed if need be; undefined: nobody is logged in. */
function accessToken(scope: ServiceWorkerGlobalScope, database: Database): Promise<string | undefined> {
  const logins = sessionStore(database);
  return logins.locked(async () => {
    const stored = await logins.read();
    if (!stored || stored.expires_at_ms - Date.now() > EXPIRES_SOON_MS) return stored?.access_token;
    const { refresh_token } = stored;
    const renewed = (await ask(scope, 'auth/refresh', undefined, { refresh_token })) as Tokens;
    const { access_token, expires_in } = renewed;
    const expires_at_ms = Date.now() + expires_in * 1000;
    const is_kept = await logins.renew(refresh_token, {
      ...stored,
      access_token,
      refresh_token: renewed.refresh_token,
      expires_at_ms,
    });
    return is_kept ? access_token : undefined;
  });
}

/** The API in small: the client library with its schemas would make the worker as large as the app. */
async function ask(scope: ServiceWorkerGlobalScope, path: string, token?: string, body?: unknown): Promise<unknown> {
  const response = await fetch(new URL(path, scope.registration.scope), {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json', 'idempotency-key': newId() }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(ANSWER_MS),
  });
  if (!response.ok) throw new Error(`The server answered with ${response.status}.`);
  return response.json();
}
