import test from 'ava';
import { sendErrand } from '../../support/send-errand.ts';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';
import { LivelyErrand } from '../../support/web/lively-errand.ts';

test.serial('a touch copies the branch of an errand, and a link in a sheet, without TLS too', async (t) => {
  t.timeout(60_000);
  const { server, api, network, context, page, faults } = await openAppLoggedIn(t);
  const errand = new LivelyErrand(server, await sendErrand(api));
  errand.begin();
  errand.succeed({ diff_stat: { files: 1, insertions: 1, deletions: 0 } });
  await context.addInitScript(() => {
    Object.defineProperty(navigator, 'clipboard', { value: undefined });
    document.addEventListener('copy', () => {
      const { activeElement: field } = document;
      if (field instanceof HTMLTextAreaElement) document.documentElement.dataset['copied'] = field.value;
    });
  });
  const copied = () => page.evaluate(() => document.documentElement.dataset['copied']);
  await page.goto(`${network.url}/errands/${errand.id}`);
  await page.locator('.result .copyable').click();
  await page.locator('.result .copyable', { hasText: 'Copied' }).waitFor();
  t.is(await copied(), `errand/${errand.id}-work`);

  await page.goto(`${network.url}/settings`);
  await page.getByRole('button', { name: 'Add a phone' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Copy' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Copied' }).waitFor();
  t.regex((await copied()) ?? '', /#login=/);
  t.deepEqual(faults, []);
});
