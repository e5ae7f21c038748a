/* What the service worker does with push messages. Browsers with declarative notifications show them themselves. */

import { isOfApp } from '../store/routes.ts';

type Data = { id?: string; answers?: Record<string, string>; navigate?: string };
/** A notification as the server sends it: `PushBody` in protocol/notifications.ts. */
type Shown = Omit<NotificationOptions, 'data'> & {
  title: string;
  navigate?: string;
  actions?: readonly { action: string; title: string }[];
  data?: Data;
};

/** What `lib.webworker` does not know yet. */
type Options = NotificationOptions & { renotify?: boolean };

const NOT_SENT = { en: 'Not sent. Touch to open the errand.', de: 'Nicht gesendet. Tippe, um den Auftrag zu öffnen.' };
const TOO_LATE = {
  en: 'Not possible any more. Touch to open the errand.',
  de: 'Geht nicht mehr. Tippe, um den Auftrag zu öffnen.',
};
/** The decision was made, or the device or the errand is gone. */
const TOO_LATE_CODES = ['conflict', 'not_found'];
const SENT = { en: 'Sent', de: 'Gesendet' };
/** A browser takes away the permission of who gets a message and shows nothing. */
const SOMETHING: Shown = { title: 'Errand', body: '' };

/** Shows a message, in the place of an older one of the same errand. A repeat of what already shows is silent. */
export async function showPush(scope: ServiceWorkerGlobalScope, message: PushMessageData | null): Promise<void> {
  const { title, navigate, ...rest } = read(message);
  const before = rest.tag === undefined ? [] : await scope.registration.getNotifications({ tag: rest.tag });
  const is_repeat = before.some((each) => dataOf(each).id === rest.data?.id);
  const options: Options = {
    ...rest,
    data: { ...rest.data, navigate },
    ...(rest.tag !== undefined && { renotify: !is_repeat }),
  };
  await scope.registration.showNotification(title, options);
}

function read(message: PushMessageData | null): Shown {
  try {
    const content = message?.json() as { notification?: Shown } | undefined;
    const notification = content?.notification;
    return typeof notification?.title === 'string' ? notification : SOMETHING;
  } catch {
    return SOMETHING;
  }
}

/** A touch on a button answers the question; a touch beside it opens the errand. */
export async function answerOrOpen(
  scope: ServiceWorkerGlobalScope,
  { notification, action }: NotificationEvent,
): Promise<void> {
  const { navigate = scope.registration.scope, answers = {} } = dataOf(notification);
  notification.close();
  const token = answers[action];
  if (token === undefined) return openApp(scope, navigate);
  const { title, tag, lang, actions = [] } = notification as Notification & Pick<Shown, 'actions'>;
  const pressed = actions.find((each) => each.action === action)?.title ?? '';
  const words = (of: typeof SENT): string => (lang === 'de' ? of.de : of.en);
  const tell = (body: string): Promise<void> =>
    scope.registration.showNotification(title, { body, tag, lang, silent: true, data: { navigate } });
  try {
    const response = await fetch(new URL('answers', scope.registration.scope), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token }),
    });
    const said = (await response.json()) as { code?: string };
    // Its detail is in English. The app says why, once it is open.
    const refused = TOO_LATE_CODES.includes(said.code ?? '') ? TOO_LATE : NOT_SENT;
    await tell(response.ok ? `${words(SENT)}: ${pressed}` : words(refused));
  } catch {
    await tell(words(NOT_SENT));
  }
}

/** Brings an open window of the app to the front, and tells it where to go; without one it opens a new one. */
async function openApp(scope: ServiceWorkerGlobalScope, address: string): Promise<void> {
  const url = new URL(address, scope.registration.scope);
  if (url.origin !== scope.location.origin) return;
  const all = await scope.clients.matchAll({ type: 'window', includeUncontrolled: true });
  const windows = all.filter((each) => isOfApp(scope.registration.scope, each.url));
  const window = windows.find(({ focused }) => focused) ?? windows[0];
  if (!window) {
    await scope.clients.openWindow(url.href);
    return;
  }
  window.postMessage({ open: url.pathname });
  await window.focus();
}

function dataOf({ data }: Notification): Data {
  return (data ?? {}) as Data;
}
