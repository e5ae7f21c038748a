import test, { type ExecutionContext } from 'ava';
import type { Page } from 'playwright-core';
import { time } from '../../support/dispatching.ts';
import { addErrands } from '../../support/many-errands.ts';
import { PASSWORD } from '../../support/start-api.ts';
import { openApp } from '../../support/web/app-scene.ts';

/** More than a new device reads at its start. */
const TASKS = 1_300;
const AT_START = 1_000;

/** While the list flies by, a row shows its title alone, in a place of the same height; where it stops, all of it. */
async function fliesBy(t: ExecutionContext, page: Page): Promise<void> {
  const [flying, resting] = await page.evaluate(async () => {
    const body = document.querySelector('.inbox .body');
    const look = () => ({
      rows: document.querySelectorAll('.rows.long .task').length,
      whole: document.querySelectorAll('.rows.long .task time').length,
      height: body?.scrollHeight ?? 0,
    });
    // A machine that is held up for long draws all in between.
    let at_flight = look();
    for (let i = 0; i < 100 && at_flight.whole > 0; i++) {
      body?.scrollBy(0, body.clientHeight * 1.5 * (i % 20 < 10 ? 1 : -1));
      await new Promise(requestAnimationFrame);
      at_flight = look();
    }
    while (look().whole === 0) await new Promise(requestAnimationFrame);
    return [at_flight, look()];
  });
  t.like(flying, { whole: 0 });
  t.true(flying.rows > 0);
  t.is(resting.whole, resting.rows);
  t.true(Math.abs(resting.height - flying.height) < 20, `${flying.height} and ${resting.height}`);
  // One jump is drawn whole at once.
  const at_once = await page.evaluate(async () => {
    document.querySelector('.inbox .body')?.scrollTo(0, 0);
    for (let frame = 0; frame < 3; frame++) await new Promise(requestAnimationFrame);
    return document.querySelectorAll('.rows.long .task time').length;
  });
  t.true(at_once > 0);
}

test('of a long list only the rows near the screen are in the page, and its end can be reached', async (t) => {
  t.timeout(120_000);
  const { server, session, page, faults } = await openApp(t);
  const at = (i: number) => ({
    title: `Errand ${i}`,
    status: 'cancelled' as const,
    ended_at: time(-1000 * (TASKS - i)),
  });
  const [oldest] = addErrands(server.log, session.user.id, 1, () => ({ title: 'Asks since long', status: 'waiting' }));
  addErrands(server.log, session.user.id, TASKS, at);
  await page.fill('input[name=email]', session.user.email);
  await page.fill('input[name=password]', PASSWORD);
  await page.click('button[type=submit]');
  await page.locator('.rows.long .task').first().waitFor();
  await page.getByText(new RegExp(`Errand ${TASKS - 1}$`)).waitFor();
  const rows = () => page.locator('.task').count();
  t.true((await rows()) < 60, `${await rows()} rows are in the page`);
  await page.locator('.rows:not(.long) .task', { hasText: oldest?.title ?? '-' }).waitFor();
  const setSize = () => page.locator('.rows.long .task').first().getAttribute('aria-setsize');
  t.is(await setSize(), String(AT_START - 1));
  const last = page.getByText(/Errand 0$/);
  await page.waitForFunction(() => {
    const body = document.querySelector('.inbox .body');
    body?.scrollTo(0, body.scrollHeight);
    return [...document.querySelectorAll('.task b')].some(({ textContent }) => textContent.endsWith('Errand 0'));
  });
  t.true(await last.isVisible());
  t.is(await setSize(), String(TASKS));
  t.true((await rows()) < 60, `${await rows()} rows are in the page`);
  // Each row is as high as it was estimated, but for a part of a pixel: none moves the others when it comes.
  const heights = await page.evaluate(async () => {
    const body = document.querySelector('.inbox .body');
    const seen = new Set<number>();
    if (!body) return [];
    for (let i = 0; i < 60; i++) {
      body.scrollTop -= body.clientHeight / 5;
      for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
      seen.add(body.scrollHeight);
    }
    return [...seen];
  });
  t.true(Math.max(...heights) - Math.min(...heights) < 20, heights.join(' '));
  await fliesBy(t, page);
  t.deepEqual(faults, []);
});
