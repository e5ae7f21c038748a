import test from 'ava';
import { sendErrand } from '../../support/send-errand.ts';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';
import { LivelyErrand } from '../../support/web/lively-errand.ts';

test('a call that was opened while it ran shows the end of its long output once it has ended', async (t) => {
  t.timeout(60_000);
  const { server, api, page, network, faults } = await openAppLoggedIn(t);
  const errand = new LivelyErrand(server, await sendErrand(api));
  errand.begin();
  const ref = errand.startTool('run_command', { command: 'make lamp' });
  await page.goto(`${network.url}/errands/${errand.id}`);
  await page.getByRole('button', { name: /make lamp/ }).click();
  const output = Array.from({ length: 20_000 }, (_, n) => `line ${n}`).join('\n');
  errand.endTool(ref, 'run_command', output, { exit_code: 0 });
  await page.locator('.out', { hasText: 'line 19999' }).waitFor({ timeout: 20_000 });
  t.deepEqual(faults, []);
});
