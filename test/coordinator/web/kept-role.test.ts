import test from 'ava';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';

test('a slow device that knows its role tells it, though the server has failed to before', async (t) => {
  t.timeout(60_000);
  const { context, network, page } = await openAppLoggedIn(t);
  const owner = page.getByText('owner of this server', { exact: true });
  await page.goto(`${network.url}/settings`);
  await owner.waitFor();
  await page.goto(network.url);
  await page.getByText('live', { exact: true }).first().waitFor();

  const slow = await context.newPage();
  await slow.goto(`${network.url}/manifest.webmanifest`);
  await slow.evaluate(holdTexts);
  await page.route(/\/me$/, (route) => route.fulfill({ status: 404, contentType: 'application/json', body: '{}' }));
  const refused = page.waitForResponse(/\/me$/);
  await page.getByRole('link', { name: 'Settings' }).click();
  await refused;
  await page.getByRole('heading', { name: 'Settings' }).waitFor();
  await slow.evaluate(() => (document.title = 'free'));
  await owner.waitFor();
  t.pass();
});

/** Runs in a page: keeps the stored texts from all others until the title of the page is `free`. */
async function holdTexts(): Promise<void> {
  const opened = await new Promise<IDBDatabase>((resolve) => {
    const request = indexedDB.open('errand');
    request.addEventListener('success', () => resolve(request.result));
  });
  const texts = opened.transaction('texts', 'readwrite').objectStore('texts');
  await new Promise<void>((resolve) => {
    const hold = (): void => {
      resolve();
      if (document.title !== 'free') texts.get('role').addEventListener('success', hold);
    };
    texts.get('role').addEventListener('success', hold);
  });
}
