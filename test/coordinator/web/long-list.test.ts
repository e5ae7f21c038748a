import test from 'ava';
import { addTask, time } from '../../support/dispatching.ts';
import { PASSWORD } from '../../support/start-api.ts';
import { openApp } from '../../support/web/app-scene.ts';

const TASKS = 600;

test('of a long list only the rows near the screen are in the page, and its end can be reached', async (t) => {
  t.timeout(120_000);
  const { server, session, page, faults } = await openApp(t);
  const at = (i: number) => ({
    title: `Errand ${i}`,
    status: 'cancelled' as const,
    ended_at: time(-1000 * (TASKS - i)),
  });
  for (let i = 0; i < TASKS; i++) addTask(server.db, session.user.id, at(i));
  await page.fill('input[name=email]', session.user.email);
  await page.fill('input[name=password]', PASSWORD);
  await page.click('button[type=submit]');
  await page.locator('.rows.long .task').first().waitFor();
  await page.getByText(`Errand ${TASKS - 1}`, { exact: true }).waitFor();
  const rows = () => page.locator('.task').count();
  t.true((await rows()) < 60, `${await rows()} rows are in the page`);
  t.is(await page.locator('.task').first().getAttribute('aria-setsize'), String(TASKS));
  const last = page.getByText('Errand 0', { exact: true });
  await page.waitForFunction(() => {
    const body = document.querySelector('.inbox .body');
    body?.scrollTo(0, body.scrollHeight);
    return [...document.querySelectorAll('.task b')].some(({ textContent }) => textContent === 'Errand 0');
  });
  t.true(await last.isVisible());
  t.true((await rows()) < 60, `${await rows()} rows are in the page`);
  t.deepEqual(faults, []);
});
