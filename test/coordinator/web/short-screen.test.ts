import test from 'ava';
import type { Locator } from 'playwright-core';
import { sendErrand } from '../../support/send-errand.ts';
import { until } from '../../support/until.ts';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';
import { PHONE } from '../../support/web/browser.ts';
import { LivelyErrand } from '../../support/web/lively-errand.ts';

type PlanStatus = 'done' | 'in_progress' | 'pending';

const isAtEnd = (list: Locator): Promise<boolean> =>
  list.evaluate(({ scrollHeight, scrollTop, clientHeight }) => scrollHeight - scrollTop - clientHeight < 24);

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
      const composer = page.locator('.composer');
      // Without scrolling: whoever writes does not look for what is below.
      await until(`it is in sight at ${height}`, async () => {
        const [box, frame] = await Promise.all([part.boundingBox(), composer.boundingBox()]);
        if (!box || !frame) return false;
        const is_within = box.y >= frame.y && box.y + box.height <= frame.y + frame.height;
        return is_within && box.y >= 0 && box.y + box.height <= height;
      });
    }
  }
  t.deepEqual(faults, []);
});

/** Whether nothing lies over an element, and it is on the screen. */
const isInSight = (part: Locator): Promise<boolean> =>
  part.evaluate((element) => {
    const { left, top, width, height } = element.getBoundingClientRect();
    const points = [0.1, 0.5, 0.9].map((at) => document.elementFromPoint(left + width / 2, top + height * at));
    return points.every((hit) => element.contains(hit));
  });

for (const font_size of ['100%', '200%'])
  test.serial(`at no height does one scroll for what sends, also with a file: text at ${font_size}`, async (t) => {
    t.timeout(120_000);
    const { server, api, page, network, faults } = await openAppLoggedIn(t);
    const errand = new LivelyErrand(server, await sendErrand(api, { prompt: 'Mend the lamp. '.repeat(20) }));
    errand.begin();
    errand.plan(...Array.from({ length: 8 }, (_, i) => [`Step ${i}`, 'pending'] as [string, 'pending']));
    await page.goto(`${network.url}/errands/${errand.id}`);
    await page.evaluate((size) => (document.documentElement.style.fontSize = size), font_size);
    await page.locator('textarea.composer-field').fill('One\nTwo\nThree\nFour\nFive');
    const send = page.getByRole('button', { name: 'Send', exact: true });
    const allHeights = async (): Promise<void> => {
      for (const width of [844, 390])
        for (const height of [390, 340, 300, 260, 200]) {
          await page.setViewportSize({ width, height });
          await until(`it is in sight at ${width} by ${height}`, () => isInSight(send));
        }
    };
    await allHeights();
    const file = { name: 'log.txt', mimeType: 'text/plain', buffer: Buffer.from('line') };
    await page.locator('form.composer input[type=file]').first().setInputFiles(file);
    await page.getByRole('button', { name: 'Remove log.txt' }).waitFor();
    await allHeights();
    t.deepEqual(faults, []);
  });

test.serial('a phone that is turned still shows what was chosen for a message', async (t) => {
  t.timeout(60_000);
  const { server, api, page, network, faults } = await openAppLoggedIn(t);
  const errand = new LivelyErrand(server, await sendErrand(api));
  errand.begin();
  await page.goto(`${network.url}/errands/${errand.id}`);
  await page.locator('textarea.composer-field').fill('And the hall');
  await page.setViewportSize({ width: 844, height: 200 });
  const waits = page.getByLabel('Hear after the turn');
  await waits.waitFor({ state: 'hidden' });
  await page.setViewportSize(PHONE);
  await waits.check();
  await page.setViewportSize({ width: 844, height: 200 });
  await page.locator('.composer .mind').waitFor({ state: 'hidden' });
  t.true(await waits.isVisible());
  t.true(await waits.isChecked());
  t.deepEqual(faults, []);
});

test.serial('of a long plan the step at work shows with the next ones, and the rest at a touch', async (t) => {
  t.timeout(60_000);
  const { server, api, page, network, faults } = await openAppLoggedIn(t);
  const errand = new LivelyErrand(server, await sendErrand(api));
  errand.begin();
  const statusOf = (i: number) => (i < 30 ? 'done' : i === 30 ? 'in_progress' : 'pending');
  errand.plan(...Array.from({ length: 40 }, (_, i): [string, PlanStatus] => [`Step ${i}`, statusOf(i)]));
  await page.goto(`${network.url}/errands/${errand.id}`);
  const steps = page.locator('.plan li > :last-child');
  await steps.first().waitFor();
  t.deepEqual(await steps.allTextContents(), ['30 done', 'Step 30', 'Step 31', 'Step 32']);
  await page.getByRole('button', { name: '… 7 more' }).click();
  t.is(await steps.count(), 40);
  t.deepEqual(faults, []);
});

for (const [font_size, steps] of [
  ['100%', 4],
  ['100%', 40],
  ['200%', 4],
  ['200%', 40],
] as const)
  test.serial(
    `above the keyboard of a phone one sends what one writes and sees the conversation: ${steps} steps, text at ${font_size}`,
    async (t) => {
      t.timeout(120_000);
      const { server, api, page, network, faults } = await openAppLoggedIn(t);
      const errand = new LivelyErrand(server, await sendErrand(api, { prompt: 'Mend the lamp in the hall' }));
      errand.begin();
      errand.plan(
        ...Array.from({ length: steps }, (_, i): [string, 'pending'] => [`Step ${i} of the plan`, 'pending']),
      );
      for (let i = 0; i < 20; i++) errand.say(`Line ${i} of the conversation.`);
      await page.setViewportSize({ width: PHONE.width, height: 540 });
      await page.addInitScript((size) => {
        addEventListener('DOMContentLoaded', () => (document.documentElement.style.fontSize = size));
      }, font_size);
      await page.goto(`${network.url}/errands/${errand.id}`);
      const field = page.locator('textarea.composer-field');
      await field.waitFor();
      await field.fill('One\nTwo\nThree\nFour\nFive');
      for (const height of [540, 470, 400]) {
        await page.setViewportSize({ width: PHONE.width, height });
        await until(`all is there at ${height}`, async () => {
          const parts = [page.getByRole('button', { name: 'Send', exact: true }), page.locator('.talk'), field];
          const [send, talk, written] = await Promise.all(parts.map((part) => part.boundingBox()));
          if (!send || !talk || !written) return false;
          const is_seen = send.y >= 0 && send.y + send.height <= height;
          const fits = talk.height >= 40 && written.height >= 44 && written.width > 340;
          return is_seen && fits && (await isAtEnd(page.locator('.talk')));
        });
      }
      t.deepEqual(faults, []);
    },
  );
