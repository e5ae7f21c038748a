/*
 * The service worker: it keeps the app on the device, so that it opens without a network, and shows notifications. It
 * keeps nothing but the app's own files: what the server says is stored by the app.
 */

import { isRoute, PAST_CACHE } from '../store/routes.ts';
import { answerOrOpen, showPush } from './notifications.ts';
import { resubscribe, type PushChange } from './resubscribe.ts';
import { SHARE_PATH, takeShared } from './share.ts';

// The build writes these.
declare const FILES: readonly string[];
declare const VERSION: string;

const scope = self as unknown as ServiceWorkerGlobalScope;
/** The path of the app, such as `/` or `/errand/`. */
const BASE = new URL('.', scope.location.href).pathname;
/** The caches of this app: another one may be at another path of the same host. */
const PREFIX = BASE === '/' ? 'app-' : `app-${BASE}`;
const CACHE = PREFIX + VERSION;
/** Files of the version before stay for the pages that are still open. */
const VERSIONS_KEPT = 2;
/** The page is the same for each request that gets it, whatever it accepts. */
const SAME = { ignoreVary: true };

scope.addEventListener('install', (event) => event.waitUntil(install()));
scope.addEventListener('activate', (event) => event.waitUntil(activate()));
scope.addEventListener('message', (event) => {
  if (event.data === 'take over') event.waitUntil(scope.skipWaiting());
});
scope.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method === 'POST' && url.origin === scope.location.origin && url.pathname === BASE + SHARE_PATH)
    return event.respondWith(takeShared(request, BASE));
  if (request.method !== 'GET' || url.origin !== scope.location.origin) return;
  const path = url.pathname.startsWith(BASE) ? url.pathname.slice(BASE.length) : undefined;
  if (path === undefined) return;
  if (request.mode === 'navigate') {
    // A proxy that asks for a log-in of its own must see the request.
    if (isRoute(`/${path}`) && !url.searchParams.has(PAST_CACHE)) event.respondWith(page(request));
  } else if (FILES.includes(path) || path.startsWith('app/')) event.respondWith(answer(path, request));
});
scope.addEventListener('push', (event) => event.waitUntil(showPush(scope, event.data)));
scope.addEventListener('pushsubscriptionchange', (event) =>
  (event as PushChange).waitUntil(resubscribe(scope, event as PushChange, BASE)),
);
scope.addEventListener('notificationclick', (event) => event.waitUntil(answerOrOpen(scope, event)));

async function install(): Promise<void> {
  const cache = await caches.open(CACHE);
  await cache.addAll(
    FILES.map(
      (path) =>
        new Request(BASE + path, {
          cache: path.startsWith('app/') ? 'default' : 'no-cache',
          headers: { accept: 'text/html,*/*;q=0.1' },
        }),
    ),
  );
}

async function activate(): Promise<void> {
  const names = (await caches.keys()).filter(
    (name) => name.startsWith(PREFIX) && !name.slice(PREFIX.length).includes('/'),
  );
  const old = names.filter((name) => name !== CACHE).slice(0, Math.max(0, names.length - VERSIONS_KEPT));
  await Promise.all(old.map((name) => caches.delete(name)));
  await scope.clients.claim();
}

/** The page, for each address of the app: it is kept as the one of the first address. */
async function page(request: Request): Promise<Response> {
  const kept = await answer('', request);
  const headers = new Headers(kept.headers);
  headers.delete('content-encoding');
  headers.delete('content-length');
  const html = (await kept.text()).replace('<base href="./">', `<base href="${BASE}">`);
  return new Response(html, { status: kept.status, headers });
}

/** From this version's files, else from those of the one before, else from the server. */
async function answer(path: string, request: Request): Promise<Response> {
  const own = await (await caches.open(CACHE)).match(BASE + path, SAME);
  return own ?? (await caches.match(BASE + path, SAME)) ?? fetch(request);
}
