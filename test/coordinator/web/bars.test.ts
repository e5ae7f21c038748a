import test from 'ava';
import type { Locator } from 'playwright-core';
import { sendErrand } from '../../support/send-errand.ts';
import { until } from '../../support/until.ts';
import { openAppLoggedIn, type AppScene } from '../../support/web/app-scene.ts';
import { PHONE } from '../../support/web/browser.ts';
import { LivelyErrand } from '../../support/web/lively-errand.ts';
import { becomeFillable } from './become-fillable.ts';

type Box = { x: number; y: number; width: number; height: number };

const boxesOf = async (of: Locator): Promise<Box[]> => {
  const boxes = await Promise.all((await of.all()).map((each) => each.boundingBox()));
  return boxes.filter((box) => box !== null);
};

const overlap = (a: Box, b: Box): boolean =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

/** Opens an invitation that the person cannot use. */
async function openUnusedLink({ api, network, page }: AppScene, path: string): Promise<void> {
  const { fragment } = await api.call('createInvite', { body: {} });
  await page.goto('about:blank');
  await page.goto(`${network.url}${path}#${fragment}`);
  await page.locator('.update', { hasText: 'You are logged in as' }).waitFor();
}

test('of all that is said at the lower edge at once, nothing lies over another', async (t) => {
  t.timeout(120_000);
  const scene = await openAppLoggedIn(t, { size: PHONE });
  const { server, api, context, page, faults } = scene;
  const [done, works] = [
    new LivelyErrand(server, await sendErrand(api, { prompt: 'Mend the lamp' })),
    new LivelyErrand(server, await sendErrand(api, { prompt: 'Mend the door' })),
  ];
  for (const errand of [done, works]) errand.begin();
  done.succeed({});
  await context.addInitScript(becomeFillable);
  await openUnusedLink(scene, '/');
  await page.getByRole('heading', { name: 'Done' }).waitFor();
  await page.getByRole('button', { name: 'Actions: Mend the lamp' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Archive' }).click();
  await page.locator('.update', { hasText: 'Mend the lamp' }).waitFor();
  await page.evaluate(() => localStorage.setItem('full', 'yes'));
  works.say('What the device cannot keep.');
  await page.locator('.update', { hasText: 'no room' }).waitFor();
  const bars = await boxesOf(page.locator('.update'));
  t.is(bars.length, 3);
  for (const { y, height } of bars) t.true(y > 0 && y + height < PHONE.height);
  for (const [i, bar] of bars.entries())
    for (const other of bars.slice(i + 1)) t.false(overlap(bar, other), JSON.stringify([bar, other]));
  t.deepEqual(faults, []);
});

test('what is said at the lower edge lies above the text that one writes, and the way to the end', async (t) => {
  t.timeout(120_000);
  const scene = await openAppLoggedIn(t, { size: PHONE });
  const { server, api, page, faults } = scene;
  const errand = new LivelyErrand(server, await sendErrand(api, { prompt: 'Mend the lamp' }));
  errand.begin();
  for (let i = 0; i < 30; i++) errand.say(`Step ${i}.`);
  await openUnusedLink(scene, `/errands/${errand.id}`);
  await page.getByText('Step 29.').first().waitFor();
  await page.locator('textarea.composer-field').fill('One\nline\nafter\nthe\nother');
  await page.locator('.talk').first().hover();
  await page.mouse.wheel(0, -2_000);
  await page.locator('.ends').waitFor();
  await until('they are apart', async () => {
    const [bar] = await boxesOf(page.locator('.update'));
    const others = await boxesOf(page.locator('form.composer, .ends'));
    return bar !== undefined && others.length === 2 && others.every((other) => bar.y + bar.height < other.y);
  });
  t.deepEqual(faults, []);
});
