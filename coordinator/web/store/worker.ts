import { signal } from '@preact/signals';
import { scriptUrl } from './script-url.ts';

/** A newer version waits to take over; calling it reloads the app. */
export const update = signal<(() => void) | undefined>(undefined);

/**
 * Installs the service worker, which keeps the app on the device and shows its notifications. Without TLS there is
 * none. `open` goes to an address of the app: a touch on a notification asks for it.
 */
export async function installWorker(open: (path: string) => void): Promise<void> {
  const { serviceWorker } = navigator as Partial<Navigator>;
  if (!serviceWorker) return;
  serviceWorker.addEventListener('message', ({ data }: MessageEvent<{ open?: unknown } | undefined>) => {
    if (typeof data?.open === 'string') open(data.open);
  });
  serviceWorker.startMessages();
  let { controller } = serviceWorker;
  serviceWorker.addEventListener('controllerchange', () => {
    // The first one takes over by itself: nothing is new then.
    if (controller) location.reload();
    ({ controller } = serviceWorker);
  });
  const registration = await serviceWorker.register(scriptUrl('service_worker'), { updateViaCache: 'none' });
  const offer = (): void => {
    const { waiting } = registration;
    if (waiting && serviceWorker.controller) update.value = () => waiting.postMessage('take over');
  };
  const follow = (): void => registration.installing?.addEventListener('statechange', offer);
  offer();
  // One may be installing already, of which no event tells any more.
  follow();
  registration.addEventListener('updatefound', follow);
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') void registration.update().then(offer, () => undefined);
  });
}
