import test from 'ava';
import { addErrands } from '../../support/many-errands.ts';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';

test.serial('the way back is the way that one came, also after a reload and after a step forward', async (t) => {
  t.timeout(60_000);
  const { server, session, page, faults } = await openAppLoggedIn(t);
  addErrands(server.log, session.user.id, 1, () => ({ title: 'Round up', status: 'cancelled' }));
  const toErrand = async () => {
    await page.getByRole('link', { name: /Round up/ }).click();
    await page.locator('.goal').waitFor();
  };
  const back = async () => {
    await page.locator('header .back').click();
    await page.locator('.task').first().waitFor();
  };
  // A dead step would lead to the list again.
  const isFirst = async () => {
    await page.goBack();
    await page.waitForURL('about:blank', { timeout: 5_000 });
    await page.goForward();
    await page.locator('.task').first().waitFor();
  };

  await toErrand();
  await page.reload();
  await page.locator('.goal').waitFor();
  await back();
  await isFirst();

  await toErrand();
  await page.goBack();
  await page.locator('.task').first().waitFor();
  await page.goForward();
  await page.locator('.goal').waitFor();
  await back();
  await isFirst();
  t.deepEqual(faults, []);
});
