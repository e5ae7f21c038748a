import { signal } from '@preact/signals';
import { BASE } from './routes.ts';

/** A newer version waits to take over; calling it reloads the app. */
export const update = signal<(() => void) | undefined>(undefined);

/** Installs the service worker, which keeps the app on the device. Without TLS there is none. */
export async function installWorker(): Promise<void> {
  const { serviceWorker } = navigator as Partial<Navigator>;
  if (!serviceWorker) return;
  const is_first = serviceWorker.controller === null;
  const registration = await serviceWorker.register(scriptUrl(`${BASE}/sw.js`), { updateViaCache: 'none' });
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

type ScriptPolicy = { createScriptURL: (url: string) => string };
type Trusted = { createPolicy: (name: string, rules: ScriptPolicy) => ScriptPolicy };

/** The one script that may be loaded by its address; the page's policy refuses every other. */
function scriptUrl(url: `${string}/sw.js`): string {
  const { trustedTypes } = window as { trustedTypes?: Trusted };
  return trustedTypes?.createPolicy('errand', { createScriptURL: () => url }).createScriptURL(url) ?? url;
}
