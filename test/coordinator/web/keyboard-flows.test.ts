import test from 'ava';
import type { Locator, Page } from 'playwright-core';
import { eventsOf } from '../../support/events-of.ts';
import { sendErrand } from '../../support/send-errand.ts';
import { until } from '../../support/until.ts';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';
import { DESK, PHONE } from '../../support/web/browser.ts';
import { LivelyErrand } from '../../support/web/lively-errand.ts';

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

/** The most steps from anywhere to anything on a screen. */
const STEPS_MAX = 60;

/** Moves the focus to an element with the Tab key alone. */
async function tabTo(page: Page, target: Locator): Promise<void> {
  await target.waitFor();
  for (let i = 0; i < STEPS_MAX; i++) {
    if (await target.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error('The Tab key does not reach it.');
}

async function press(page: Page, target: Locator, key = 'Enter'): Promise<void> {
  await tabTo(page, target);
  await page.keyboard.press(key);
}

async function write(page: Page, target: Locator, text: string): Promise<void> {
  await tabTo(page, target);
  await page.keyboard.type(text);
}

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
  await write(page, dialog.getByLabel('Model', { exact: true }), 'claude-opus-5');
  await tabTo(page, dialog.getByLabel('Effort'));
  await page.keyboard.press('h');
  await press(page, dialog.getByRole('button', { name: 'Done' }));
  await press(page, button('Ask me before pushing'), 'Space');
  await press(page, button('Send'));
}

for (const [name, size] of [
  ['phone', PHONE],
  ['desk', DESK],
] as const) {
  test.serial(`on a ${name}, by keyboard alone: an errand is sent, answered, reviewed and deleted`, async (t) => {
    t.timeout(180_000);
    const { server, api, page, faults } = await openAppLoggedIn(t, { size });
    const button = (words: string | RegExp) => page.getByRole('button', { name: words, exact: true });
    const dialog = page.getByRole('dialog');
    await writeErrand(page);
    const task = await until('it is sent', async () => (await api.call('listTasks', {})).items[0]);
    t.like(task, { prompt: 'Round up', model: 'claude-opus-5', effort: 'high', ask_before_push: true });

    const errand = new LivelyErrand(server, task);
    errand.begin();
    errand.tool('run_command', { command: 'npm test' }, 'one\ntwo', { exit_code: 1 });
    errand.ask('Which rounding?', ['Up', 'Down']);
    await press(page, page.locator('.task').getByRole('button', { name: 'Down' }));
    const said = async () =>
      (await eventsOf(api, task.id)).filter(({ type }) => type === 'message.received').map(({ body }) => body.text);
    await until('it is answered', async () => (await said()).includes('Down'));

    await press(page, page.getByRole('link', { name: /Round up/ }));
    await press(page, page.locator('.call', { hasText: 'npm test' }));
    await page.locator('.out', { hasText: 'two' }).waitFor();
    await page.keyboard.press('r');
    await page.keyboard.type('Go on.');
    await press(page, page.locator('form.composer').getByRole('button', { name: 'Send' }));
    await until('it is said', async () => (await said()).includes('Go on.'));

    errand.succeed({ diff_stat: { files: 1, insertions: 2, deletions: 1 } }, DIFF);
    await page
      .getByRole('link', { name: /^Changes/ })
      .first()
      .waitFor();
    await page.keyboard.press('d');
    const line = page.locator('.line-of.added').first();
    await press(page, line);
    await write(page, page.locator('.note-on-line textarea'), 'Why three?');
    await press(page, button('Add comment'));
    await press(page, button('Send 1 comment'));
    await until('the comment has come', async () => (await said()).some((text) => String(text).includes('Why three?')));

    errand.begin();
    await press(page, button('Stop'));
    await press(page, dialog.getByRole('button', { name: 'Cancel' }));
    await dialog.waitFor({ state: 'detached' });
    errand.succeed({});
    await press(page, button('Details'));
    await press(page, dialog.getByRole('button', { name: 'Delete' }));
    await press(page, dialog.getByRole('button', { name: 'Delete' }));
    await until('it is gone', async () => (await api.call('listTasks', {})).items.length === 0);
    await page.waitForURL((url) => url.pathname === '/');
    t.deepEqual(faults, []);
  });

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
