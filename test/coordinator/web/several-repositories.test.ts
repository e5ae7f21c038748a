import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Page } from 'playwright-core';
import { endAttempt } from '../../../coordinator/tasks/advance.ts';
import { listPullsOf } from '../../../coordinator/sqlite/pulls.ts';
import { changePull } from '../../../coordinator/forge/pulls/pull-commands.ts';
import { listPendingMessages } from '../../../coordinator/sqlite/messages.ts';
import { putRepositoryResult } from '../../../coordinator/sqlite/task-repositories.ts';
import type { Task } from '../../../protocol/task.ts';
import { taskOf } from '../../support/fixtures.ts';
import { until } from '../../support/until.ts';
import { logIn, openApp, openAppLoggedIn, type AppScene } from '../../support/web/app-scene.ts';
import { DESK, PHONE } from '../../support/web/browser.ts';
import { LivelyErrand } from '../../support/web/lively-errand.ts';

const SHOTS = process.env['SHOTS'];
const [API, SHOP, DOCS] = ['https://github.com/ada/api', 'https://github.com/ada/shop', 'https://github.com/ada/docs'];
const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name });

const diffOf = (path: string, word: string) => `diff --git a/${path} b/${path}
index 1111111..2222222 100644
--- a/${path}
+++ b/${path}
@@ -1,2 +1,2 @@
 export const kind = 'price';
-export const unit = 'euro';
+export const unit = '${word}';
`;

async function shoot(page: Page, name: string): Promise<void> {
  if (SHOTS !== undefined) await page.screenshot({ path: join(SHOTS, `${name}.png`) });
}

/** An errand in the repositories `api`, `shop` and `docs` that has changed the first two, the same file in each. */
async function done({ server, api }: AppScene): Promise<{ task: Task; errand: LivelyErrand }> {
  const repositories = [{ repo_url: SHOP }, { repo_url: DOCS, base_branch: 'next' }];
  const task = await api.call('createTask', { body: { prompt: 'Name the unit', repo_url: API, repositories } });
  const errand = new LivelyErrand(server, task);
  errand.begin();
  const branch = `errand/${task.id}-work`;
  const diff_stat = { files: 1, insertions: 1, deletions: 1 };
  const [commit, base_commit] = ['c'.repeat(40), 'a'.repeat(40)];
  const pushed = { branch, commit, wip: false, diff_stat };
  errand.report(
    { type: 'branch.pushed', body: pushed },
    { type: 'branch.pushed', body: { ...pushed, repository: 'shop' } },
  );
  const diff = { diff: diffOf('src/unit.ts', 'yen'), truncated: false };
  const outcome = { branch, commit, base_commit, diff_stat };
  server.log.write(({ db }) => putRepositoryResult(db, task.id, 'shop', outcome, diff, new Date().toISOString()));
  errand.succeed({ summary: 'The unit has one name.', diff_stat }, diffOf('src/unit.ts', 'cent'));
  return { task, errand };
}

/** Reads the changes by repository, and comments on the same line of the same file in two. */
async function readChanges(t: ExecutionContext, scene: AppScene, task: Task, name: string): Promise<void> {
  const { page, network, server } = scene;
  await page.locator('.task .where', { hasText: 'api +2' }).waitFor();
  await page.locator('.task .stat', { hasText: '+2' }).waitFor();
  await shoot(page, `inbox-${name}`);
  await page.goto(`${network.url}/errands/${task.id}`);
  await page.getByText(/Pushed to .* in shop/).waitFor();
  await page.locator('.pushed-in', { hasText: 'docs' }).getByText('unchanged').waitFor();
  t.is(await page.locator('.result .copyable').count(), 1, 'a branch that is the same everywhere is named once');
  await shoot(page, `errand-${name}`);
  await page.getByRole('link', { name: /Changes.*2 files/ }).click();
  const shop = page.getByRole('region', { name: 'shop', exact: true });
  await shop.getByText("'yen'").waitFor();
  t.is(await shop.getByText("'cent'").count(), 0);
  await page.getByRole('region', { name: 'docs', exact: true }).getByText('unchanged').waitFor();
  await shoot(page, `changes-${name}`);
  await button(page, /^shop 1$/).click();
  await page.locator('section.repository:focus[aria-label="shop"]').waitFor();
  // The same line of the same file in two repositories.
  for (const [key, words] of [
    ['api', 'Why cents?'],
    ['shop', 'Why yen?'],
  ] as const) {
    const place = page.getByRole('region', { name: key, exact: true });
    await place.locator('.line-of.added').click();
    await place.locator('textarea').fill(words);
    await place.locator('.note-on-line button').first().click();
  }
  await shoot(page, `comments-${name}`);
  await button(page, /Send 2 comments/).click();
  const said = await until('the comments have come', () => listPendingMessages(server.db, task.id)[0]?.text, 15_000);
  t.regex(said, /api: src\/unit\.ts, line 2:\n> .*'cent'.*\n\nWhy cents\?/);
  t.regex(said, /shop: src\/unit\.ts, line 2:\n> .*'yen'.*\n\nWhy yen\?/);
}

/** Writes an errand for three repositories by a link and by hand, and leaves one out again. */
async function writeErrand(t: ExecutionContext, { page, network, api }: AppScene, name: string): Promise<void> {
  await page.goto(`${network.url}/new?text=Rename&repo=${API}&also=${encodeURIComponent(`${SHOP}#next`)}`);
  await button(page, /^ada\/shop next$/).waitFor();
  await page.reload();
  await button(page, /^ada\/shop next$/).click();
  await shoot(page, `sheet-${name}`);
  await button(page, 'Add another repository').click();
  await page.getByPlaceholder('Project or https://…').fill(DOCS);
  await button(page, 'Use github.com/ada/docs').click();
  await button(page, /^ada\/docs$/).click();
  await page.getByLabel('Start from').fill('main');
  await page.getByLabel('Push to').fill('wording');
  await page.keyboard.press('Escape');
  await button(page, /^ada\/docs main → wording$/).waitFor();
  await shoot(page, `new-${name}`);
  await button(page, /^ada\/shop next$/).click();
  await button(page, 'Leave this repository out').click();
  await button(page, /^ada\/shop next$/).waitFor({ state: 'detached' });
  await button(page, 'Send').click();
  const sent = await until('it is sent', async () =>
    (await api.call('listTasks', {})).items.find((one) => one.title === 'Rename'),
  );
  t.deepEqual(
    sent.repositories?.map(({ repo_url, base_branch, work_branch }) => [repo_url, base_branch, work_branch]),
    [
      [API, null, null],
      [DOCS, 'main', 'wording'],
    ],
  );
}

for (const [name, size, dark] of [
  ['phone', PHONE, false],
  ['phone-dark', PHONE, true],
  ['desk', DESK, false],
  ['desk-dark', DESK, true],
] as const)
  test.serial(
    `on a ${name}: an errand is written for several repositories, and its changes are read by repository`,
    async (t) => {
      t.timeout(180_000);
      const scene = await openAppLoggedIn(t, { size, dark });
      const { task } = await done(scene);
      await readChanges(t, scene, task, name);
      await writeErrand(t, scene, name);
      t.deepEqual(scene.faults, []);
    },
  );

test.serial('the changes of an errand that is in no list show all its repositories on a new device', async (t) => {
  t.timeout(120_000);
  const scene = await openApp(t, { size: PHONE });
  const { api, network, page } = scene;
  const { task } = await done(scene);
  await api.call('patchTask', { params: { id: task.id }, body: { archived: true } });
  await logIn(scene);
  await page.goto(`${network.url}/errands/${task.id}/changes`);
  await page.getByRole('region', { name: 'shop', exact: true }).getByText("'yen'").waitFor();
  t.is(await page.locator('.repository').count(), 3);
});

test.serial('the details of an errand have its repositories below each other', async (t) => {
  t.timeout(60_000);
  const scene = await openAppLoggedIn(t, { size: PHONE });
  const { network, page } = scene;
  const { task } = await done(scene);
  await page.goto(`${network.url}/errands/${task.id}`);
  await button(page, 'Details').click();
  const facts = page.locator('.facts dd');
  await facts.first().waitFor();
  const left = await facts.evaluateAll((all) => all.map((one) => one.getBoundingClientRect().left));
  t.true(left.length > 3);
  t.is(new Set(left).size, 1);
});

test.serial('several pull requests have a card each, and those that are missing are opened together', async (t) => {
  t.timeout(120_000);
  const scene = await openAppLoggedIn(t, { size: PHONE });
  const { page, network, server, faults } = scene;
  const { task } = await done(scene);
  await page.goto(`${network.url}/errands/${task.id}`);
  await button(page, 'Open 2 pull requests').click();
  const sheet = page.getByRole('dialog', { name: 'Open 2 pull requests' });
  t.deepEqual(await sheet.locator('li').allTextContents(), ['github.com/ada/api', 'github.com/ada/shop']);
  await sheet.getByRole('button', { name: 'Open, ready for review' }).click();
  const rows = await until('both are asked for', () => {
    const all = listPullsOf(server.db, task.id);
    return all.length === 2 ? all : undefined;
  });
  const open = { state: 'open', owner: 'ada', author: 'person', next_look_at: null } as const;
  for (const [i, { id, repo_url }] of rows.entries()) {
    const name = repo_url.split('/').at(-1) ?? '';
    const change = { ...open, name, number: i + 1, url: `${repo_url}/pull/${i + 1}` };
    server.log.write((tx) => changePull(tx, id, change, new Date().toISOString()));
  }
  for (const name of ['ada/api', 'ada/shop']) await page.locator('.pull-card', { hasText: name }).waitFor();
  t.is(await button(page, /^Open .*pull request/).count(), 0);
  const change = { conflicts: true, base_branch: 'main' };
  server.log.write((tx) => changePull(tx, rows[1]?.id ?? '', change, new Date().toISOString()));
  await page.locator('.pull-card', { hasText: 'Conflicts with main' }).waitFor();
  await shoot(page, 'pulls-phone');
  await button(page, 'Merge the newest base').dblclick();
  await page.locator('.person:not(.unsent)', { hasText: 'Bring your branch in shop up to date with main' }).waitFor();
  await page.locator('.person.unsent').first().waitFor({ state: 'detached' });
  t.is(listPendingMessages(server.db, task.id).length, 1, 'a double tap asks once');
  t.deepEqual(faults, []);
});

test.serial('work to approve names its repositories, and its changes show all of them', async (t) => {
  t.timeout(120_000);
  const scene = await openAppLoggedIn(t, { size: PHONE });
  const { page, network, server, api, faults } = scene;
  const repositories = [{ repo_url: SHOP }];
  const { id } = await api.call('createTask', { body: { prompt: 'Name it', repo_url: API, repositories } });
  const errand = new LivelyErrand(server, { id });
  errand.begin();
  const [commit, other] = ['c'.repeat(40), 'd'.repeat(40)];
  const diff_stat = { files: 1, insertions: 1, deletions: 1 };
  const at = new Date().toISOString();
  const outcome = { branch: null, commit: other, base_commit: null, diff_stat };
  server.log.write(({ db }) =>
    putRepositoryResult(db, id, 'shop', outcome, { diff: diffOf('b.ts', 'yen'), truncated: false }, at),
  );
  server.log.write((tx) =>
    endAttempt(
      tx,
      taskOf(server.log, id),
      1,
      { status: 'parked', reason: null, detail: null, at },
      {
        kind: 'push',
        ref: commit,
        commit,
        diff_stat: { files: 2, insertions: 2, deletions: 2 },
        repositories: [{ key: 'shop', commit: other, diff_stat }],
        question: 'Push?',
        takes_text: true,
        options: ['approve', 'send_back'].map((value) => ({ value, label: value })),
      },
    ),
  );
  await page.goto(`${network.url}/errands/${id}/decision`);
  const link = page.getByRole('link', { name: /See the changes/ });
  await link.getByText('api, shop').waitFor();
  await shoot(page, 'decision-phone');
  await link.click();
  await page.getByRole('region', { name: 'shop', exact: true }).getByText("'yen'").waitFor();
  t.deepEqual(faults, []);
});
