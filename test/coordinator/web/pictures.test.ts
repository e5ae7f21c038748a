import { randomBytes } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import sharp from 'sharp';
import { sendErrand } from '../../support/send-errand.ts';
import { until } from '../../support/until.ts';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';
import { LivelyErrand } from '../../support/web/lively-errand.ts';

/** A picture that is longer than a short body, as most are. */
function picture(width: number, height: number): Promise<Buffer> {
  const raw = { width, height, channels: 3 as const };
  return sharp(randomBytes(width * height * 3), { raw })
    .png()
    .toBuffer();
}

/** An errand at work, and its address in the app. */
async function atWork(t: ExecutionContext) {
  const { server, api, page, network, faults } = await openAppLoggedIn(t);
  const errand = new LivelyErrand(server, await sendErrand(api));
  errand.begin();
  return { page, errand, url: `${network.url}/errands/${errand.id}`, faults };
}

test('a picture that the agent shows is there without a touch, with its caption, and large after one', async (t) => {
  t.timeout(60_000);
  const { page, errand, url, faults } = await atWork(t);
  await page.goto(url);
  const caption = 'The cart with its new button';
  errand.tool('show_picture', { path: '/tmp/cart.png', caption }, 'Shown.', { pictures: [await picture(900, 60)] });
  const shown = page.getByRole('img', { name: caption });
  await shown.waitFor();
  await until('it is decoded', () => shown.evaluate((image: HTMLImageElement) => image.naturalWidth === 900));
  t.is(await page.locator('figcaption').textContent(), caption);
  await page.getByRole('button', { name: caption }).click();
  const sheet = page.getByRole('dialog', { name: caption });
  const width = () => sheet.getByRole('img').evaluate((image) => image.clientWidth);
  const fits = await width();
  t.true(fits < 900, 'it fits the screen of a phone');
  await sheet.getByRole('button', { name: caption }).click();
  await until('it is as large as it is', async () => (await width()) === 900);
  await sheet.getByRole('button', { name: 'Close' }).click();
  await sheet.waitFor({ state: 'detached' });
  t.deepEqual(faults, []);
});

test('a row keeps its height when its picture comes, and one that comes after a reload is read whole', async (t) => {
  t.timeout(60_000);
  const { page, errand, url, faults } = await atWork(t);
  errand.tool('show_picture', { path: 'a.png', caption: 'A' }, 'Shown.', { pictures: [await picture(60, 90)] });
  await page.route('**/events/*', async (route) => {
    await until('the row was measured', () => heights.length > 0);
    await route.continue();
  });
  const heights: number[] = [];
  await page.goto(url);
  const row = page.locator('figure');
  await page.getByText('The picture is not here.').waitFor();
  heights.push((await row.boundingBox())?.height ?? 0);
  await row.getByRole('img', { name: 'A' }).waitFor();
  t.is((await row.boundingBox())?.height, heights[0]);
  t.deepEqual(faults, []);
});

test('pictures of other tools show in their open row; what a browser cannot show is words', async (t) => {
  t.timeout(60_000);
  const { page, errand, url, faults } = await atWork(t);
  const pictures = [await picture(30, 30), Buffer.from('no picture')];
  errand.tool('mcp__browser__screenshot', {}, 'Two pictures.', { pictures });
  await page.goto(url);
  await page.getByRole('button', { name: /browser: screenshot/ }).click();
  await page.getByText('The picture cannot be shown.').waitFor();
  await page.getByRole('img', { name: 'A picture: browser: screenshot' }).waitFor();
  await page.getByText('Two pictures.').waitFor();
  t.deepEqual(faults, []);
});

test('a picture of a kind that no browser shows is words, and a call that shows none is a row as any other', async (t) => {
  t.timeout(60_000);
  const { page, errand, url, faults } = await atWork(t);
  const source = { type: 'base64', media_type: 'text/html', data: 'PGI+' };
  for (const [caption, content] of [
    ['A page', [{ type: 'image', source }]],
    ['Nothing', [{ type: 'text', text: 'Shown.' }]],
  ] as const) {
    const ref = errand.startTool('show_picture', { path: 'a', caption });
    const done = { turn: 1, ref, name: 'show_picture', is_error: false, content: [...content], duration_ms: 1 };
    errand.report({ type: 'tool.finished', body: done });
  }
  await page.goto(url);
  await page.getByText('The picture cannot be shown.').waitFor();
  t.deepEqual(await page.locator('figcaption').allTextContents(), ['A page']);
  await page.getByRole('button', { name: /show_picture/ }).waitFor();
  t.deepEqual(faults, []);
});
