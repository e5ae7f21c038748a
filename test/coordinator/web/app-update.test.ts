import type { ServerResponse } from 'node:http';
import test from 'ava';
import type { Page } from 'playwright-core';
import type { WebApp } from '../../../coordinator/http/web-app.ts';
import { openWebApp } from '../../../coordinator/web/build.ts';
import { PASSWORD, startApi } from '../../support/start-api.ts';
import { openBrowser } from '../../support/web/browser.ts';
import { startFaultyProxy } from '../../support/web/faulty-proxy.ts';

const PART = /\bpart-(\w)(\w+)\.js\b/g;

/** The next version of an app: each of its parts has another name. */
function nextVersion({ files, pageAt }: WebApp): WebApp {
  const rename = <F extends { body: Buffer; type: string; etag: string }>(file: F): F => {
    if (!/javascript|html/.test(file.type)) return file;
    const body = Buffer.from(`${file.body.toString().replaceAll(PART, 'part-$2$1.js')}\n`);
    return { ...file, body, brotli: undefined, etag: file.etag.replace('"', '"next-') };
  };
  const page = (path: string) => {
    const found = pageAt(path);
    return found && rename(found);
  };
  const next = [...files].map(([path, file]) => {
    const { body } = rename(file);
    // The caches of a service worker are named after the version.
    const own = path === '/sw.js' ? { body: Buffer.from(body.toString().replace(/"[0-9a-f]{16}"/, '"next"')) } : {};
    return [path.replaceAll(PART, 'part-$2$1.js'), { ...rename(file), ...own }] as const;
  });
  return { files: new Map(next), pageAt: page };
}

const partsOf = (page: Page): Promise<string[]> =>
  page.evaluate(() => performance.getEntriesByType('resource').flatMap(({ name }) => /part-.*/.exec(name)?.[0] ?? []));

test.serial('a page that began without a service worker offers a later version, and a reload brings it', async (t) => {
  t.timeout(120_000);
  const first = await openWebApp();
  const next = nextVersion(first);
  let app: WebApp = first;
  const server = await startApi(t, {}, undefined, undefined, {
    files: { get: (path: string) => app.files.get(path) } as WebApp['files'],
    pageAt: (path) => app.pageAt(path),
  });
  const { session } = await server.person();
  const { page, faults } = await (await openBrowser(t)).open();
  await page.goto(server.url);
  await page.fill('input[name=email]', session.user.email);
  await page.fill('input[name=password]', PASSWORD);
  await page.click('button[type=submit]');
  await page.getByText('live', { exact: true }).first().waitFor();
  await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
  const before = [...first.files.keys()].filter((path) => path.includes('part-'));
  /** What the page gets of its own version, which the server does not have any more. */
  const statuses = () =>
    page.evaluate((paths) => Promise.all(paths.map(async (path) => (await fetch(path)).status)), before);

  app = next;
  t.is((await fetch(server.url + before[0])).status, 404);
  await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
  await page.getByText('A new version is ready').waitFor();
  t.deepEqual(new Set(await statuses()), new Set([200]), 'while the next one waits');
  await page.evaluate(() => (document.title = 'The old page'));
  await page.getByRole('button', { name: 'Reload' }).click();
  await page.waitForFunction(() => document.title !== 'The old page');
  await page.getByText('live', { exact: true }).first().waitFor();
  t.is(await page.getByText('A new version is ready').count(), 0);
  const now = await partsOf(page);
  t.true(now.length > 0 && now.every((name) => next.files.has(`/app/${name}`)), now.join(' '));
  t.deepEqual(new Set(await statuses()), new Set([200]), 'for a page that is still open elsewhere');
  t.deepEqual(faults, []);
});

test.serial('a version that is being installed while a page begins is offered once it is there', async (t) => {
  t.timeout(120_000);
  const first = await openWebApp();
  const next = nextVersion(first);
  let app: WebApp = first;
  const server = await startApi(t, {}, undefined, undefined, {
    files: { get: (path: string) => app.files.get(path) } as WebApp['files'],
    pageAt: (path) => app.pageAt(path),
  });
  const network = await startFaultyProxy(t, server.url);
  const { page, faults } = await (await openBrowser(t)).open();
  await page.goto(network.url);
  await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
  const held = Promise.withResolvers<ServerResponse>();
  const [path = '', part] = [...next.files].find(([each]) => each.includes('part-') && !first.files.has(each)) ?? [];
  network.answer = ({ url }, response) => {
    if (url !== path) return false;
    held.resolve(response);
    return true;
  };
  app = next;
  await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
  const response = await held.promise;
  await page.reload();
  await page.locator('input[name=email]').waitFor();
  const isInstalling = () =>
    page.evaluate(async () => (await navigator.serviceWorker.getRegistration())?.installing?.state === 'installing');
  t.true(await isInstalling());
  response.writeHead(200, { 'content-type': part?.type ?? '' }).end(part?.body);
  await page.getByText('A new version is ready').waitFor();
  t.deepEqual(faults, []);
});
