import type { ExecutionContext } from 'ava';
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
