import test from 'ava';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';
import { PHONE } from '../../support/web/browser.ts';

test.serial('a project that the server refuses leads to the field that is wrong, and to the line in it', async (t) => {
  t.timeout(60_000);
  const { page, network } = await openAppLoggedIn(t, { size: PHONE });
  await page.goto(`${network.url}/settings/projects/new`);
  await page.locator('input[name=name]').fill('shop');
  const model = page.locator('input[name=model]');
  await model.fill('not a model');
  await page.locator('input[name=repo_url]').fill('https://example.org/ann/shop');
  const secrets = page.locator('textarea[name=secrets]');
  await secrets.fill('GOOD=1\nnot good=2');
  const save = page.getByRole('button', { name: 'Save' });
  await save.click();
  await page.locator('.wrong', { has: model }).waitFor();
  await page.waitForFunction(() => document.activeElement?.getAttribute('name') === 'model');
  const label = await page.locator('.wrong > span').first().boundingBox();
  const header = await page.locator('.screen > header').boundingBox();
  t.true(label && header && label.y >= header.y + header.height, 'its label is in sight');
  t.is(await page.locator('form > .fault').textContent(), '', 'it is said once');
  await model.fill('');
  await save.click();
  await page.locator('.wrong .fault', { hasText: 'not good: ' }).waitFor();
  await page.waitForFunction(() => document.activeElement?.getAttribute('name') === 'secrets');
  t.pass();
});

test.serial('what is wrong with the timing of a schedule goes once that is changed', async (t) => {
  t.timeout(60_000);
  const { page, network } = await openAppLoggedIn(t, { size: PHONE });
  await page.goto(`${network.url}/settings/schedules/new`);
  await page.locator('textarea[name=prompt]').fill('Look for new bills');
  await page.locator('select[name=place]').selectOption('-');
  await page.locator('input[name=repo_url]').fill('https://example.org/ann/shop');
  await page.getByRole('button', { name: 'Cron' }).click();
  const cron = page.locator('.timing input.mono');
  await cron.fill('61 * * * *');
  const fault = page.locator('.fault', { hasText: 'cron expression' });
  await page.locator('.timing .field', { has: fault }).waitFor();
  t.is(await page.locator('.next-times').count(), 0, 'nothing comes next');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.locator('.timing .mono:focus').waitFor();
  t.is(await fault.count(), 1, 'it is said once');
  await cron.fill('6 * * * *');
  await fault.waitFor({ state: 'detached' });
  t.pass();
});
