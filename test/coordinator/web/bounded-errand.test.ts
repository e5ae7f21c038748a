import test from 'ava';
import type { Page } from 'playwright-core';
import { ROWS_MAX } from '../../../coordinator/web/app/errand/row-window.ts';
import type { WorkerEvent } from '../../../protocol/events.ts';
import { sendErrand } from '../../support/send-errand.ts';
import { until } from '../../support/until.ts';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';
import { LivelyErrand } from '../../support/web/lively-errand.ts';

/** Many times what is kept in the page. The benchmark scrolls through 10,000. */
const EVENTS = 10 * ROWS_MAX;
const AT_ONCE = 100;

const line = (n: number): WorkerEvent => ({
  type: 'log',
  body: { level: 'info', text: `Line ${n}. ${'It goes on and on. '.repeat(n % 9)}` },
});

type Seen = { rows_max: number; moved_max: number };

/**
 * Scrolls by a part of the screen until a text is there, a step each frame. Returns the most rows that were in the
 * page, and the furthest that the row in the middle was from where a step should have brought it.
 */
const scrollTo = (page: Page, by: number, text: string): Promise<Seen> =>
  page.locator('.talk').evaluate(
    async (talk, [by, text]) => {
      const seen = { rows_max: 0, moved_max: 0 };
      const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
      const box = talk.getBoundingClientRect();
      while (![...talk.querySelectorAll('li')].some((row) => row.textContent?.startsWith(text))) {
        const row = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2)?.closest('li');
        const before = row?.getBoundingClientRect().top ?? 0;
        const scrolled_before = talk.scrollTop;
        talk.scrollBy(0, by);
        const scrolled = talk.scrollTop - scrolled_before;
        // Rows come and go in these frames.
        for (let i = 0; i < 3; i++) await frame();
        seen.rows_max = Math.max(seen.rows_max, talk.querySelectorAll('li').length);
        if (row?.isConnected)
          seen.moved_max = Math.max(seen.moved_max, Math.abs(row.getBoundingClientRect().top - before + scrolled));
      }
      return seen;
    },
    [by, text] as const,
  );

test.serial(
  'of an errand of thousands of events a bounded part is in the page, whichever way one scrolls',
  async (t) => {
    t.timeout(240_000);
    const { server, api, page, faults } = await openAppLoggedIn(t);
    const errand = new LivelyErrand(server, await sendErrand(api));
    errand.begin();
    for (let n = 0; n < EVENTS; n += AT_ONCE) errand.report(...Array.from({ length: AT_ONCE }, (_, i) => line(n + i)));
    await page.getByRole('link', { name: /Fix it/ }).click();
    await page.getByText(`Line ${EVENTS - 1}.`).waitFor();
    const up = await scrollTo(page, -600, 'Line 0.');
    t.log('up', up);
    const begin = page.getByText('Line 0.', { exact: true });
    t.is(await begin.count(), 1);
    errand.report(line(EVENTS));
    await page.getByText('1 new').waitFor();
    const down = await scrollTo(page, 600, `Line ${EVENTS}.`);
    t.log('down', down);
    t.is(await begin.count(), 0);
    for (const { rows_max, moved_max } of [up, down]) {
      t.true(rows_max <= ROWS_MAX, `${rows_max} rows`);
      t.true(moved_max <= 2, `moved by ${moved_max} px`);
    }
    const distance = () =>
      page.locator('.talk').evaluate((talk) => talk.scrollHeight - talk.scrollTop - talk.clientHeight);
    await page.locator('.talk').evaluate((talk) => talk.scrollTo(0, talk.scrollHeight));
    await until('the end is followed again', async () => (await page.locator('.ends').count()) === 0);
    errand.report(line(EVENTS + 1));
    await page.getByText(`Line ${EVENTS + 1}.`).waitFor();
    await until('it follows', async () => (await distance()) < 2);

    await scrollTo(page, -600, `Line ${EVENTS - 900}.`);
    await page.getByRole('button', { name: 'To the end' }).click();
    await page.getByText(`Line ${EVENTS + 1}.`).waitFor();
    await until('it is at the end', async () => (await distance()) < 2);
    t.deepEqual(faults, []);
  },
);
