import { signal } from '@preact/signals';
import { scriptUrl } from './script-url.ts';

/** A newer version waits to take over; calling it reloads the app. */
export const update = signal<(() => void) | undefined>(undefined);

/** Installs the service worker, which keeps the app on the device. Without TLS there is none. */
export async function installWorker(): Promise<void> {
  const { serviceWorker } = navigator as Partial<Navigator>;
  if (!serviceWorker) return;
  const is_first = serviceWorker.controller === null;
  const registration = await serviceWorker.register(scriptUrl('service_worker'), { updateViaCache: 'none' });
  const offer = (): void => {
    const { waiting } = registration;
    if (waiting && !is_first) update.value = () => waiting.postMessage('take over');
  };
  offer();
  registration.addEventListener('updatefound', () => registration.installing?.addEventListener('statechange', offer));
  serviceWorker.addEventListener('controllerchange', () => {
    if (!is_first) location.reload();
  });
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') void registration.update().catch(() => undefined);
  });
}
