import test from 'ava';
import { putDiff } from '../../../coordinator/sqlite/diffs.ts';
import { sendErrand } from '../../support/send-errand.ts';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';
import { LivelyErrand } from '../../support/web/lively-errand.ts';

/** A diff in which each of so many files has one line removed and one added. */
const inFiles = (count: number) =>
  Array.from(
    { length: count },
    (_, i) => `diff --git a/f${i}.ts b/f${i}.ts
--- a/f${i}.ts
+++ b/f${i}.ts
@@ -1,2 +1,2 @@
 first
-before ${i}
+after ${i}
`,
  ).join('');

test.serial(
  'the button that sends the comments lies over all of the changes, wherever they are scrolled',
  async (t) => {
    t.timeout(120_000);
    const { server, api, network, page, faults } = await openAppLoggedIn(t);
    const errand = new LivelyErrand(server, await sendErrand(api));
    errand.begin();
    errand.succeed({}, inFiles(20));
    await page.goto(`${network.url}/errands/${errand.id}/changes`);
    await page.locator('.line-of.added').first().click();
    await page.locator('.note-on-line textarea').fill('Why?');
    await page.getByRole('button', { name: 'Add comment' }).click();
    await page.getByRole('button', { name: 'Send 1 comment' }).waitFor();
    const covered = await page.evaluate(() => {
      const tray = document.querySelector('.tray');
      const body = document.querySelector('.changes');
      if (!tray || !body) throw new Error('The changes do not show.');
      const { x, y, width, height } = tray.getBoundingClientRect();
      return Array.from({ length: 60 }, (_, i) => {
        body.scrollTop = i * 10;
        return [0.05, 0.5, 0.95].some((part) => {
          const top = document.elementFromPoint(x + width * part, y + height / 2);
          return !tray.contains(top);
        });
      }).filter(Boolean).length;
    });
    t.is(covered, 0);
    t.deepEqual(faults, []);
  },
);

test.serial('a screen reader hears of each line whether it was removed or added', async (t) => {
  t.timeout(120_000);
  const { server, api, network, page, faults } = await openAppLoggedIn(t);
  const errand = new LivelyErrand(server, await sendErrand(api));
  errand.begin();
  errand.succeed({}, inFiles(1));
  await page.goto(`${network.url}/errands/${errand.id}/changes`);
  await page.getByRole('button', { name: '2 removed: before 0' }).waitFor();
  await page.getByRole('button', { name: '2 added: after 0' }).waitFor();
  await page.getByRole('button', { name: '1 first' }).waitFor();
  t.deepEqual(faults, []);
});

test.serial('whoever has read the changes before a push approves it below them', async (t) => {
  t.timeout(120_000);
  const { server, api, network, page, faults } = await openAppLoggedIn(t);
  const errand = new LivelyErrand(server, await sendErrand(api));
  errand.begin();
  putDiff(server.db, errand.id, { diff: inFiles(20), truncated: false });
  errand.askToPush('c'.repeat(40));
  await page.goto(`${network.url}/errands/${errand.id}/changes`);
  await page.getByRole('button', { name: 'Push it…' }).click();
  await page.locator('.changes .decision:focus', { hasText: 'Push it' }).waitFor();
  await page.locator('.changes .decision').getByRole('button', { name: 'Push it' }).click();
  await page.locator('.tray').waitFor({ state: 'detached' });
  await page.locator('.changes .decision').waitFor({ state: 'detached', timeout: 30_000 });
  const { status } = await api.call('getTask', { params: { id: errand.id } });
  t.is(status, 'queued');
  t.deepEqual(faults, []);
});

test.serial('many files have a list, in which each is a way to it, and fold all at once', async (t) => {
  t.timeout(120_000);
  const { server, api, network, page, faults } = await openAppLoggedIn(t);
  const errand = new LivelyErrand(server, await sendErrand(api));
  errand.begin();
  errand.succeed({}, inFiles(20));
  await page.goto(`${network.url}/errands/${errand.id}/changes`);
  const list = page.getByRole('navigation', { name: 'Changed files' });
  await list.getByText('20 files').click();
  await list.getByText('0 of 20 viewed').waitFor();
  await list.getByRole('button', { name: 'f9.ts' }).click();
  const file = page.locator('.file[aria-label="f9.ts"]');
  await file.locator('.file-name:focus').waitFor();
  const below = await file.evaluate((element) => {
    const body = element.closest('.body');
    return body && element.getBoundingClientRect().top - body.getBoundingClientRect().top;
  });
  t.is(Math.round(below ?? -1), 0, 'the way leads to its top');
  await file.getByLabel('viewed').check();
  await list.getByText('1 of 20 viewed').waitFor();
  await list.getByRole('button', { name: 'Fold all' }).click();
  await page.locator('.line-of').first().waitFor({ state: 'detached' });
  t.is(await page.locator('.file').count(), 20);
  await list.getByRole('button', { name: 'Unfold' }).click();
  await page.locator('.line-of').first().waitFor();
  t.is(await page.locator('.diff').count(), 19, 'what was viewed stays folded');
  for (const mark of await page.getByLabel('viewed').all()) await mark.check();
  await list.getByText('20 of 20 viewed').waitFor();
  await list.getByRole('button', { name: 'Unfold' }).click();
  await page.locator('.diff').nth(19).waitFor();
  await list.getByRole('button', { name: 'Fold all' }).click();
  await page.locator('.diff').first().waitFor({ state: 'detached' });

  await api.call('createMessage', { params: { id: errand.id }, body: { text: 'Go on' } });
  errand.begin();
  errand.succeed({}, inFiles(7));
  await list.waitFor({ state: 'detached' });
  t.deepEqual(faults, []);
});

test.serial('no button unfolds where each file has too many lines for it', async (t) => {
  t.timeout(60_000);
  const { server, api, network, page, faults } = await openAppLoggedIn(t);
  const errand = new LivelyErrand(server, await sendErrand(api));
  errand.begin();
  const lines = Array.from({ length: 450 }, (_, i) => `+line ${i}\n`).join('');
  const long = (name: string) =>
    `diff --git a/${name} b/${name}\n--- a/${name}\n+++ b/${name}\n@@ -0,0 +1,450 @@\n${lines}`;
  errand.succeed({}, Array.from({ length: 9 }, (_, i) => long(`f${i}.ts`)).join(''));
  await page.goto(`${network.url}/errands/${errand.id}/changes`);
  const list = page.getByRole('navigation', { name: 'Changed files' });
  await list.getByText('0 of 9 viewed').waitFor();
  t.is(await list.getByRole('button', { name: /old/ }).count(), 0);
  await page.locator('.file button', { hasText: 'f1.ts' }).first().click();
  await list.getByRole('button', { name: 'Fold all' }).click();
  await page.locator('.diff').first().waitFor({ state: 'detached' });
  t.is(await list.getByRole('button', { name: /old/ }).count(), 0);
  t.deepEqual(faults, []);
});

test.serial('once an errand is deleted elsewhere its changes show no ways to its files', async (t) => {
  t.timeout(120_000);
  const { server, api, network, page } = await openAppLoggedIn(t);
  const errand = new LivelyErrand(server, await sendErrand(api));
  errand.begin();
  errand.succeed({}, inFiles(20));
  await page.goto(`${network.url}/errands/${errand.id}/changes`);
  const list = page.getByRole('navigation', { name: 'Changed files' });
  await list.waitFor();
  await api.call('deleteTask', { params: { id: errand.id } });
  await page.getByText('This errand does not exist here.').waitFor();
  t.is(await list.count(), 0);
});
