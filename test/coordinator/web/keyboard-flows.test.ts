import sharp from 'sharp';
import test from 'ava';
import type { Locator, Page } from 'playwright-core';
import { eventsOf } from '../../support/events-of.ts';
import { sendErrand } from '../../support/send-errand.ts';
import { until } from '../../support/until.ts';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';
import { PHONE, SIZES } from '../../support/web/browser.ts';
import { LivelyErrand } from '../../support/web/lively-errand.ts';
import { press, tabTo, write } from './by-keyboard.ts';

const DIFF = `diff --git a/a.ts b/a.ts
index 1111111..2222222 100644
--- a/a.ts
+++ b/a.ts
@@ -1,2 +1,3 @@
 const a = 1;
-const b = 2;
+const b = 3;
+const c = 4;
`;

/** The lines that show of it. */
const LINES = 4;

const picture = () =>
  sharp({ create: { width: 320, height: 200, channels: 3, background: 'teal' } })
    .png()
    .toBuffer();

/** Writes a new errand, with its options, and sends it. */
async function writeErrand(page: Page): Promise<void> {
  const dialog = page.getByRole('dialog');
  const button = (words: string | RegExp) => page.getByRole('button', { name: words, exact: true });
  await page.keyboard.press('c');
  await page.locator('textarea:focus').waitFor();
  await page.keyboard.type('Round up');
  await press(page, button('Choose a repository'));
  await write(page, dialog.getByRole('searchbox'), 'https://example.org/bills.git');
  await press(page, dialog.getByRole('button', { name: /bills/ }));
  await press(page, page.getByRole('button', { name: /default model/ }));
  await write(page, dialog.getByLabel('Model', { exact: true }), 'claude-sonnet-5-5-20260701');
  await tabTo(page, dialog.getByLabel('Effort'));
  await page.keyboard.press('h');
  await press(page, dialog.getByRole('button', { name: 'Done' }));
  await press(page, button('Ask me before pushing'), 'Space');
  await press(page, button('Send'));
}

/** Says something about a picture, which it picks; a phone first asks from where. */
async function sayWithPicture(page: Page, words: string): Promise<void> {
  const composer = page.locator('form.composer');
  const picking = page.waitForEvent('filechooser');
  await press(page, composer.getByRole('button', { name: 'Attach a file' }));
  if (page.viewportSize()?.width === PHONE.width)
    await press(page, page.getByRole('dialog').getByLabel('Choose files'));
  await (await picking).setFiles({ name: 'total.png', mimeType: 'image/png', buffer: await picture() });
  await page.locator('.draft-files img').waitFor();
  await page.keyboard.press('r');
  await page.keyboard.type(words);
  await press(page, composer.getByRole('button', { name: 'Send' }));
}

/** Goes to a line of a diff: the Tab key reaches the file's lines, the arrow keys each of them. */
async function goToLine(page: Page, line: Locator): Promise<void> {
  await tabTo(page, page.locator('.line-of[tabindex="0"]'));
  for (let i = 0; i < LINES; i++) {
    if (await line.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press('ArrowDown');
  }
  throw new Error('The arrow keys do not reach it.');
}

/** Comments on the first added lines, a line each, and sends the comments. */
async function commentOnLines(page: Page, comments: string[]): Promise<void> {
  for (const [i, words] of comments.entries()) {
    await goToLine(page, page.locator('.line-of.added').nth(i));
    await page.keyboard.press('Enter');
    await write(page, page.locator('.note-on-line textarea'), words);
    await press(page, page.getByRole('button', { name: 'Add comment' }));
  }
  await page.getByRole('button', { name: `Send ${comments.length} comments` }).waitFor();
  await page.locator('.note-on-line button:focus', { hasText: 'Change' }).waitFor();
  await page.keyboard.press('Control+Enter');
}

for (const [name, size] of SIZES) {
  test.serial(
    `on a ${name}, by keyboard alone: an errand is sent, answered, reviewed, approved, stopped and deleted`,
    async (t) => {
      t.timeout(180_000);
      const { server, api, page, faults } = await openAppLoggedIn(t, { size });
      const button = (words: string | RegExp) => page.getByRole('button', { name: words, exact: true });
      const dialog = page.getByRole('dialog');
      await writeErrand(page);
      const task = await until('it is sent', async () => (await api.call('listTasks', {})).items[0]);
      t.like(task, { prompt: 'Round up', model: 'claude-sonnet-5-5-20260701', effort: 'high', ask_before_push: true });

      const errand = new LivelyErrand(server, task);
      errand.begin();
      errand.tool('run_command', { command: 'npm test' }, 'one\ntwo', { exit_code: 1 });
      errand.ask('Which rounding?', ['Up', 'Down']);
      await press(page, page.locator('.task').getByRole('button', { name: 'Down' }));
      const read = () => api.call('getTask', { params: { id: task.id } });
      const said = async () =>
        (await eventsOf(api, task.id)).filter(({ type }) => type === 'message.received').map(({ body }) => body.text);
      await until('it is answered', async () => (await said()).includes('Down'));

      await press(page, page.getByRole('link', { name: /Round up/ }));
      await press(page, page.locator('.call', { hasText: 'npm test' }));
      await page.locator('.out', { hasText: 'two' }).waitFor();
      await sayWithPicture(page, 'Go on.');
      await until('it is said', async () => (await said()).includes('Go on.'));

      errand.succeed({ diff_stat: { files: 1, insertions: 2, deletions: 1 } }, DIFF);
      await page
        .getByRole('link', { name: /^Changes/ })
        .first()
        .waitFor();
      await page.keyboard.press('d');
      await commentOnLines(page, ['Why three?', 'Remove this.']);
      await until('the comments have come', async () =>
        (await said()).some((text) => String(text).includes('Why three?')),
      );

      errand.begin();
      errand.askToPush('c'.repeat(40));
      await press(page, button('Push it').last());
      await until('it is approved', async () => (await read()).status === 'queued');

      errand.begin();
      await press(page, button('Stop'));
      await press(page, dialog.getByRole('button', { name: 'Stop' }));
      await until('it is being stopped', async () => (await read()).cancel_reason !== null);
      errand.stop();
      await press(page, button('Details'));
      await press(page, dialog.getByRole('button', { name: 'Delete' }));
      await press(page, dialog.getByRole('button', { name: 'Delete' }));
      await until('it is gone', async () => (await api.call('listTasks', {})).items.length === 0);
      await page.waitForURL((url) => url.pathname === '/');
      t.deepEqual(faults, []);
    },
  );

  test.serial(`on a ${name}, by keyboard alone: projects and settings`, async (t) => {
    t.timeout(180_000);
    const { api, page, faults } = await openAppLoggedIn(t, { size });
    await sendErrand(api);
    const dialog = page.getByRole('dialog');
    await page.keyboard.press('g');
    await page.keyboard.press('s');
    await press(page, page.getByRole('link', { name: /Projects/ }));
    await press(page, page.getByRole('link', { name: /Add project/ }));
    await write(page, page.getByLabel('Name', { exact: true }), 'Bills');
    await write(page, page.getByLabel(/^Repository/), 'https://example.org/bills.git');
    await page.keyboard.press('Enter');
    const [project] = await until('it is made', async () => {
      const { items } = await api.call('listProjects', {});
      return items.length > 0 && items;
    });
    t.is(project?.name, 'Bills');
    await page.getByRole('link', { name: /Bills/ }).waitFor();

    await page.keyboard.press('Escape');
    await page.keyboard.press('g');
    await page.keyboard.press('s');
    await press(page, page.getByRole('link', { name: /Notifications/ }));
    await press(page, page.getByRole('button', { name: 'Add an ntfy topic' }));
    await write(page, dialog.getByLabel('Topic'), 'my-errands');
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    await page.keyboard.press('Escape');
    await press(page, page.getByRole('button', { name: 'Add a phone' }));
    await press(page, dialog.getByRole('button', { name: 'Close' }));
    await press(page, page.getByRole('button', { name: 'Log out', exact: true }).last());
    await press(page, dialog.getByRole('button', { name: 'Log out' }));
    await page.locator('input[name=password]').waitFor();
    t.deepEqual(faults, []);
  });
}
