import test from 'ava';
import { endAttempt } from '../../../coordinator/tasks/advance.ts';
import { repo_url, sendErrand } from '../../support/send-errand.ts';
import { taskOf } from '../../support/fixtures.ts';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';
import { PHONE } from '../../support/web/browser.ts';
import { LivelyErrand } from '../../support/web/lively-errand.ts';

test('an errand that failed for want of a token leads to a project for its address, and to the one that was made', async (t) => {
  t.timeout(60_000);
  const { server, api, page, network, faults } = await openAppLoggedIn(t, { size: PHONE });
  const errand = new LivelyErrand(server, await sendErrand(api));
  errand.begin();
  const detail = `forge.example asks for a credential to read ${repo_url}: give the project a git token, or check the address.`;
  const end = { status: 'failed', reason: 'repository_not_found', detail, at: new Date().toISOString() } as const;
  server.log.write((tx) => endAttempt(tx, taskOf(server.log, errand.id), 1, end));

  await page.goto(`${network.url}/errands/${errand.id}`);
  const links = page.locator('.token-links a');
  await links.first().waitFor();
  t.deepEqual(await links.allTextContents(), ['Make a project with a token', 'Linked accounts']);
  await links.first().click();
  t.is(await page.locator('input[name=repo_url]').inputValue(), repo_url);
  t.is(await page.locator('input[name=name]').inputValue(), 'b');
  await page.getByLabel('Access token').fill('a-token');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('link', { name: 'Token of the project' }).click();
  t.is(await page.locator('input[name=repo_url]').inputValue(), repo_url);
  t.deepEqual(faults, []);
});
