import { Incomplete } from '../../client/errors.ts';

/**
 * Subscribes this browser to the messages of a server with this key, and again if it is subscribed with another one.
 * Rejects with `Incomplete` where there is no service worker.
 */
export async function subscribe(public_key: string): Promise<PushSubscription> {
  const { pushManager } = await readyWorker();
  const key = Uint8Array.from(atob(public_key.replaceAll('-', '+').replaceAll('_', '/')), (each) => each.charCodeAt(0));
  const before = await pushManager.getSubscription();
  const known = before?.options.applicationServerKey;
  if (before && known && new Uint8Array(known).join() !== key.join()) await before.unsubscribe();
  return pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
}

/** The service worker, once it is installed. One that could not be is never ready. */
async function readyWorker(): Promise<ServiceWorkerRegistration> {
  const { serviceWorker } = navigator;
  const registration = await serviceWorker.getRegistration();
  const installing = registration?.installing;
  const failed = new Promise<never>((_, reject) => {
    const fail = (): void => reject(new Incomplete('The service worker is not installed.'));
    if (!registration) fail();
    installing?.addEventListener('statechange', () => {
      if (installing.state === 'redundant') fail();
    });
  });
  return Promise.race([serviceWorker.ready, failed]);
}
