import { answerOrOpen, showPush } from './notifications.ts';

/*
 * The service worker: it keeps the app on the device, so that it opens without a network, and shows notifications. It keeps
 * nothing but the app's own files: what the server says is stored by the app.
 */

// The build writes these.
declare const FILES: readonly string[];
declare const VERSION: string;

const scope = self as unknown as ServiceWorkerGlobalScope;
const CACHE = `app-${VERSION}`;
/** Files of the version before stay for the pages that are still open. */
const VERSIONS_KEPT = 2;
/** The page is the same for each request that gets it, whatever it accepts. */
const SAME = { ignoreVary: true };
/** The addresses of the app. */
const ROUTE = /^\/(?:$|new$|errands\/|settings(?:\/|$))/;

scope.addEventListener('install', (event) => event.waitUntil(install()));
scope.addEventListener('activate', (event) => event.waitUntil(activate()));
scope.addEventListener('message', (event) => {
  if (event.data === 'take over') event.waitUntil(scope.skipWaiting());
});
scope.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== scope.location.origin) return;
  if (request.mode === 'navigate') {
    if (ROUTE.test(url.pathname)) event.respondWith(answer('/', request));
  } else if (FILES.includes(url.pathname) || url.pathname.startsWith('/app/'))
    event.respondWith(answer(url.pathname, request));
});
scope.addEventListener('push', (event) => event.waitUntil(showPush(scope, event.data)));
scope.addEventListener('notificationclick', (event) => event.waitUntil(answerOrOpen(scope, event)));

async function install(): Promise<void> {
  const cache = await caches.open(CACHE);
  await cache.addAll(
    FILES.map(
      (path) =>
        new Request(path, {
          cache: path.startsWith('/app/') ? 'default' : 'no-cache',
          headers: { accept: 'text/html,*/*;q=0.1' },
        }),
    ),
  );
}

async function activate(): Promise<void> {
  const names = (await caches.keys()).filter((name) => name.startsWith('app-'));
  const old = names.filter((name) => name !== CACHE).slice(0, Math.max(0, names.length - VERSIONS_KEPT));
  await Promise.all(old.map((name) => caches.delete(name)));
  await scope.clients.claim();
}

/** From this version's files, else from those of the one before, else from the server. */
async function answer(path: string, request: Request): Promise<Response> {
  const own = await (await caches.open(CACHE)).match(path, SAME);
  return own ?? (await caches.match(path, SAME)) ?? fetch(request);
}
