import type { ExecutionContext } from 'ava';
import type { BrowserContext, Page, Worker } from 'playwright-core';
import { Receiver, type Subscription } from '../../support/notifications/push-service.ts';
import { openAppLoggedIn, type AppScene } from '../../support/web/app-scene.ts';

export type PushScene = AppScene & { receiver: Receiver; subscription: Subscription };

/**
 * A browser that is logged in and notified, and whose push service is the test. It `hangs` while the browser's storage
 * says so.
 */
export async function openNotifications(t: ExecutionContext): Promise<PushScene> {
  t.timeout(120_000);
  const receiver = await Receiver.start(t);
  const subscription = receiver.subscribe();
  const scene = await openAppLoggedIn(t, { whole: true }, { ERRAND_PRIVATE_HOSTS: '127.0.0.1' });
  const { context, page, network } = scene;
  await context.grantPermissions(['notifications'], { origin: network.url });
  // Chromium has no push service here. All the rest is its own.
  await context.addInitScript((json) => {
    const subscribed = () => localStorage.getItem('subscribed') === 'yes';
    const hangs = () => localStorage.getItem('hangs') === 'yes';
    const own = {
      options: { applicationServerKey: null },
      toJSON: () => json,
      unsubscribe: () => {
        localStorage.removeItem('subscribed');
        return Promise.resolve(true);
      },
    };
    Object.assign(PushManager.prototype, {
      getSubscription: () => (hangs() ? new Promise(() => undefined) : Promise.resolve(subscribed() ? own : null)),
      subscribe: () => {
        localStorage.setItem('subscribed', 'yes');
        return Promise.resolve(own);
      },
    });
  }, subscription.json);
  await page.goto(`${network.url}/settings/notifications`);
  await page.getByText('Off on this device.').waitFor();
  await page.getByRole('button', { name: 'Turn on notifications' }).click();
  await page.getByText('On: this device is told').waitFor();
  // A push service takes subscriptions of active service workers alone; this one does not look.
  await page.evaluate(async () => void (await navigator.serviceWorker.ready));
  return { ...scene, receiver, subscription };
}

/**
 * Hands a message to the service worker, as the browser does when its push service brings one, and waits until it
 * shows. Chromium forgets a notification that is about to show when somebody asks meanwhile what shows already.
 */
export async function deliver({ context, page, network }: PushScene, notification: unknown): Promise<void> {
  const worker = serviceWorker(context);
  await worker.evaluate(() => {
    const scope = self as unknown as WorkerScope;
    const { registration } = scope;
    const show = registration.showNotification.bind(registration);
    scope.shown = new Promise((resolve, reject) => {
      registration.showNotification = (title, options) => {
        const shown = show(title, options);
        shown.then(resolve, reject);
        return shown;
      };
    });
  });
  const session = await context.newCDPSession(page);
  const registered = new Promise<string>((resolve) => {
    session.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
      const [registration] = registrations;
      if (registration) resolve(registration.registrationId);
    });
  });
  await session.send('ServiceWorker.enable');
  const data = typeof notification === 'string' ? notification : JSON.stringify({ web_push: 8030, notification });
  const origin = network.url;
  await session.send('ServiceWorker.deliverPushMessage', { origin, registrationId: await registered, data });
  await session.detach();
  await worker.evaluate(() => (self as unknown as WorkerScope).shown);
}

export function serviceWorker(context: BrowserContext): Worker {
  const worker = context.serviceWorkers()[0];
  if (!worker) throw new Error('There is no service worker.');
  return worker;
}

/** What the device shows. */
export const shown = (page: Page): Promise<{ title: string; body: string; tag: string; actions: string[] }[]> =>
  page.evaluate(async () => {
    const { active } = await navigator.serviceWorker.ready;
    const registration = await navigator.serviceWorker.getRegistration();
    const all = active && registration ? await registration.getNotifications() : [];
    return all.map((each) => {
      const { actions } = each as Notification & { actions: { title: string }[] };
      return { title: each.title, body: each.body, tag: each.tag, actions: actions.map(({ title }) => title) };
    });
  });

/** What the test needs of the service worker's global object. */
export type WorkerScope = {
  registration: ServiceWorkerRegistration;
  NotificationEvent: new (type: string, init: { notification: Notification; action: string }) => Event;
  ExtendableEvent: new (type: string) => Event;
  dispatchEvent: (event: Event) => boolean;
  /** Ends once a message that was delivered shows. */
  shown: Promise<void>;
};

/** Touches a notification, or one of its buttons. */
export async function touch(worker: Worker, tag: string, action = ''): Promise<void> {
  await worker.evaluate(
    async ([tag, action]) => {
      const scope = self as unknown as WorkerScope;
      const [notification] = await scope.registration.getNotifications({ tag });
      if (!notification) throw new Error('It does not show.');
      const event = new scope.NotificationEvent('notificationclick', { notification, action });
      // The browser lets only its own events wait.
      const work: Promise<unknown>[] = [];
      Object.defineProperty(event, 'waitUntil', { value: (each: Promise<unknown>) => work.push(each) });
      scope.dispatchEvent(event);
      // It may bring a window to the front only after a real touch.
      await Promise.allSettled(work);
    },
    [tag, action] as const,
  );
}
