import { request } from 'node:https';
import test, { type ExecutionContext } from 'ava';
import { openWebApp } from '../../../coordinator/web/build.ts';
import { sendErrand } from '../../support/send-errand.ts';
import { PASSWORD, startApi } from '../../support/start-api.ts';
import { openBrowser } from '../../support/web/browser.ts';
import { prepareCaddy, TLS_HOST, type Caddy } from '../../support/web/caddy.ts';
import { LivelyErrand } from '../../support/web/lively-errand.ts';

/** The app behind Caddy, which has a certificate of its own authority, in a browser that trusts that authority. */
async function openBehindCaddy(t: ExecutionContext, below?: string) {
  const caddy = await prepareCaddy(t, below);
  const env = { ERRAND_DOMAIN: TLS_HOST, ERRAND_PUBLIC_URL: caddy.url, ERRAND_TRUST_PROXY: 'true' };
  const server = await startApi(t, env, undefined, undefined, await openWebApp());
  await caddy.start(new URL(server.url).host);
  const { api, session } = await server.person();
  const { context, open } = await openBrowser(t, { home: caddy.home, host: TLS_HOST });
  await context.grantPermissions(['notifications'], { origin: new URL(caddy.url).origin });
  const { page, faults } = await open();
  return { caddy, server, api, session, context, page, faults };
}

type Asked = { method?: string; headers?: Record<string, string>; body?: unknown };
type Answered = { status: number | undefined; headers: NodeJS.Dict<string | string[]> };

/** Asks as a client that trusts Caddy's authority. */
function ask({ url, ca }: Caddy, path: string, { method = 'GET', headers = {}, body }: Asked = {}): Promise<Answered> {
  const to = new URL(url + path);
  const place = { ca, servername: TLS_HOST, host: '127.0.0.1', port: to.port, path: to.pathname };
  return new Promise((resolve, reject) => {
    request({ ...place, method, headers: { host: to.host, ...headers } }, (response) => {
      response.resume();
      resolve({ status: response.statusCode, headers: response.headers });
    })
      .on('error', reject)
      .end(body === undefined ? undefined : JSON.stringify(body));
  });
}

for (const below of [undefined, '/errand'])
  test.serial(
    `behind Caddy with TLS${below === undefined ? '' : ', below a path,'} the app logs in by a link, is live, opens offline and may ask for push`,
    async (t) => {
      t.timeout(120_000);
      const { caddy, server, api, context, page, faults } = await openBehindCaddy(t, below);
      const { link } = await api.call('createLoginLink', {});
      t.true(link?.startsWith(`${caddy.url}/#login=`));
      await page.goto(link ?? '');
      await page.getByRole('button', { name: 'Log in on this device' }).click();
      await page.getByText('live', { exact: true }).first().waitFor();
      t.is(page.url(), `${caddy.url}/`, 'the code is gone from the address');
      t.true(await page.evaluate(() => isSecureContext));

      // What happens comes over the socket.
      const errand = new LivelyErrand(server, await sendErrand(api, { prompt: 'Fix the header' }));
      errand.begin();
      await page.getByRole('link', { name: /Fix the header/ }).click();
      errand.say('Said over the socket.');
      await page.getByText('Said over the socket.').waitFor();
      t.is(page.url(), `${caddy.url}/errands/${errand.id}`);

      const worker = await page.evaluate(async () => {
        const registration = await navigator.serviceWorker.ready;
        const { pushManager } = registration;
        const permission = await pushManager.permissionState({ userVisibleOnly: true });
        // Chromium refuses at once where page, worker or key are at fault. Here nothing answers for the push service.
        const { publicKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign']);
        const applicationServerKey = await crypto.subtle.exportKey('raw', publicKey);
        const fault = await Promise.race([
          pushManager.subscribe({ userVisibleOnly: true, applicationServerKey }).then(
            () => null,
            (error: unknown) => (error instanceof DOMException && error.name === 'AbortError' ? null : String(error)),
          ),
          registration.update().then(() => null),
        ]);
        return { scope: registration.scope, permission, fault };
      });
      t.deepEqual(worker, { scope: `${caddy.url}/`, permission: 'granted', fault: null });

      const manifest = await page.evaluate(async () => {
        const { href } = document.querySelector<HTMLLinkElement>('link[rel=manifest]') ?? { href: '' };
        const { start_url, scope, id } = await (await fetch(href)).json();
        return [start_url, scope, id].map((url: string) => new URL(url, href).href);
      });
      t.deepEqual(manifest, [`${caddy.url}/`, `${caddy.url}/`, `${caddy.url}/`]);

      await page.waitForFunction(async () => (await navigator.serviceWorker.ready).active?.state === 'activated');
      // Deep links come from the server first, then from the device without a network.
      await page.reload();
      await page.getByText('Said over the socket.').waitFor();
      await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
      await context.setOffline(true);
      await page.goto(`${caddy.url}/errands/${errand.id}`);
      await page.getByText('Said over the socket.').waitFor();
      await context.setOffline(false);
      t.deepEqual(faults, []);
    },
  );

test.serial(
  'behind Caddy the server knows where a client is, believes no client about it, and sets HSTS',
  async (t) => {
    const { caddy, server, api, session } = await openBehindCaddy(t);
    t.is((await ask(caddy, '/healthz')).headers['strict-transport-security'], 'max-age=31536000');
    t.is((await fetch(`${server.url}/healthz`)).headers.get('strict-transport-security'), null);
    const forged = { 'content-type': 'application/json', 'x-forwarded-for': '203.0.113.9' };
    const body = { email: session.user.email, password: PASSWORD };
    t.is((await ask(caddy, '/auth/login', { method: 'POST', headers: forged, body })).status, 200);
    const [newest] = (await api.call('listSessions', {})).items;
    t.is(newest?.address, '127.0.0.1');
    t.is((await ask(caddy, '/healthz', { headers: { origin: 'https://evil.example' } })).status, 403);
  },
);
