import test from 'ava';
import { sendErrand } from '../../support/send-errand.ts';
import { until } from '../../support/until.ts';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';
import { PHONE } from '../../support/web/browser.ts';
import { LivelyErrand } from '../../support/web/lively-errand.ts';

const SIDEWAYS = { width: PHONE.height, height: PHONE.width };

test('a field is as high as its text after a phone was turned', async (t) => {
  t.timeout(120_000);
  const { page, network, faults } = await openAppLoggedIn(t);
  await page.setViewportSize(SIDEWAYS);
  await page.goto(`${network.url}/new`);
  const field = page.locator('textarea.prompt');
  await field.fill('Mend the lamp in the hall, and the one beside it. '.repeat(3));
  const cut = () => field.evaluate((each) => each.scrollHeight - each.clientHeight);
  const height = async () => (await field.boundingBox())?.height ?? 0;
  const before = await height();
  await page.setViewportSize(PHONE);
  await until('it is higher', async () => (await height()) > before && (await cut()) <= 0);
  await page.setViewportSize(SIDEWAYS);
  await until('it is as before', async () => (await height()) === before);
  t.deepEqual(faults, []);
});

test('on its side, above its keyboard, a phone shows what one writes and how to send it', async (t) => {
  t.timeout(120_000);
  const { server, api, page, network, faults } = await openAppLoggedIn(t);
  const errand = new LivelyErrand(server, await sendErrand(api, { prompt: 'Mend the lamp. '.repeat(20) }));
  errand.begin();
  errand.plan(...Array.from({ length: 8 }, (_, i) => [`Step ${i}`, 'pending'] as [string, 'pending']));
  await page.goto(`${network.url}/errands/${errand.id}`);
  const field = page.locator('textarea.composer-field');
  await field.fill('And the hall');
  for (const height of [390, 200, 160]) {
    await page.setViewportSize({ width: 844, height });
    for (const part of [field, page.getByRole('button', { name: 'Send', exact: true })]) {
      await part.scrollIntoViewIfNeeded();
      const box = await part.boundingBox();
      t.true(box !== null && box.y >= 0 && box.y + box.height <= height, `${height}: ${JSON.stringify(box)}`);
    }
  }
  t.deepEqual(faults, []);
});
