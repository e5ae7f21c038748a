import sharp from 'sharp';
import type { PullRow } from '../../../coordinator/domain/pull.ts';
import { changePull } from '../../../coordinator/forge/pulls/pull-commands.ts';
import { listPullsOf } from '../../../coordinator/sqlite/pulls.ts';
import type { Api } from '../api.ts';
import type { StartedApi } from '../start-api.ts';
import { LivelyErrand } from './lively-errand.ts';

const DIFF = `diff --git a/src/money/round.ts b/src/money/round.ts
index 1111111..2222222 100644
--- a/src/money/round.ts
+++ b/src/money/round.ts
@@ -15,3 +15,7 @@ const SCALE = 100;
 export function toCents(amount: number): number {
-  return Math.round(amount * 100);
+  // Half a cent goes up, below zero too:
+  // -0.5 becomes -1.
+  return Math.sign(amount)
+    * Math.floor(Math.abs(amount)
+      * 100 + 0.5);
 }
diff --git a/test/round.test.ts b/test/round.test.ts
index 3333333..4444444 100644
--- a/test/round.test.ts
+++ b/test/round.test.ts
@@ -4,4 +4,5 @@ import { toCents } from '../src/money/round.ts';
 test('half a cent goes up', (t) => {
-  t.is(toCents(0.005), 0);
+  t.is(toCents(0.005), 1);
+  t.is(toCents(-0.005), -1);
 });
`;

const TEST_OUTPUT = `\u001b[32m✔\u001b[0m answers 200 with a body
\u001b[32m✔\u001b[0m answers 204 without a body
\u001b[31m✖\u001b[0m keeps the status of an empty answer
    expected 200, got 204`;

export type Gallery = Record<'asks' | 'works' | 'reads' | 'tests' | 'dark' | 'broke', LivelyErrand>;

/** Errands in each state that a list has, as a person would see them on a busy day. */
export async function fillGallery(server: StartedApi, api: Api): Promise<Gallery> {
  const send = async (prompt: string, repo: string) => {
    const repo_url = `https://github.com/you/${repo}`;
    const task = await api.call('createTask', { body: { prompt, repo_url } });
    return new LivelyErrand(server, task);
  };
  const dark = await send('Dark mode for the settings page', 'web');
  dark.begin();
  dark.say('The page now follows the system, with a switch to override it.');
  dark.succeed({ summary: 'Follows the system, with a switch to override it.', diff_stat: stat(6, 148, 36) }, DIFF);
  await openPull(server, api, dark, { state: 'merged', number: 31 });
  const broke = await send('Move the build to the new runner', 'ci');
  broke.begin();
  broke.fail('verify_failed');
  const tests = await send('Make the tests pass', 'split-the-bill');
  finishTests(tests, await drawBill());
  const checks = {
    running: 0,
    passed: 3,
    failed: 1,
    failed_names: ['lint'],
    failed_urls: ['https://github.com/ada/split-the-bill/actions/runs/1/job/2'],
  };
  await openPull(server, api, tests, { state: 'open', number: 12, checks });
  const reads = await send('Why is the nightly job slow?', 'etl');
  reads.begin();
  reads.spend(0.06);
  reads.waitsFor({ kind: 'model', since: new Date(Date.now() - 9_000).toISOString() });
  const works = await send('Upgrade to Koa 3 and fix what breaks', 'shop-api');
  workOn(works);
  runsSince(works, server, 40);
  const asks = await send('Round half a cent up in invoices', 'bills');
  asks.begin();
  asks.spend(0.21);
  asks.say('Invoices now round half up.');
  const question = 'Which rounding for refunds?\nInvoices now round half up. Refunds use the same helper.';
  asks.ask(question, ['Half up, as invoices do', 'Half to even']);
  asks.waitsFor({ kind: 'person', since: new Date(Date.now() - 60_000).toISOString(), question });
  const minutes = [
    [dark, 190, 22],
    [broke, 95, 6],
    [tests, 41, 4],
    [reads, 6],
    [works, 5],
    [asks, 3],
  ] as const;
  for (const [errand, sent, worked] of minutes) setBack(server, errand, sent, worked);
  return { asks, works, reads, tests, dark, broke };
}

/** As if the errand had been sent, and begun, so many minutes ago. What has ended was at work for `worked` minutes. */
function setBack({ db }: StartedApi, { id }: LivelyErrand, sent: number, worked = sent): void {
  const ago = (minutes: number): string => new Date(Date.now() - minutes * 60_000).toISOString();
  const times = { id, began: ago(sent), ended: ago(sent - worked) };
  const ended = 'CASE WHEN ended_at IS NULL THEN NULL ELSE :ended END';
  db.prepare(`UPDATE tasks SET created_at = :began, started_at = :began, ended_at = ${ended} WHERE id = :id`).run(
    times,
  );
  db.prepare(`UPDATE attempts SET started_at = :began, ended_at = ${ended} WHERE task_id = :id`).run(times);
}

/** The command that the errand runs has begun so long ago. */
function runsSince(errand: LivelyErrand, { db }: StartedApi, seconds: number): void {
  const since = new Date(Date.now() - seconds * 1000).toISOString();
  const newest = "SELECT max(id) FROM events WHERE task_id = ? AND type = 'tool.started'";
  db.prepare(`UPDATE events SET at = ? WHERE id = (${newest})`).run(since, errand.id);
  errand.waitsFor({ kind: 'command', since, command: 'npm test' });
}

/** Opens the pull request of an errand, as if the forge had answered so. */
async function openPull(server: StartedApi, api: Api, { id }: LivelyErrand, to: Partial<PullRow>): Promise<void> {
  await api.call('openPull', { params: { id }, body: {} });
  const [pull] = listPullsOf(server.db, id);
  if (!pull) throw new Error('There is no pull request.');
  const url = `https://github.com/you/demo/pull/${to.number}`;
  const opened = { url, owner: 'you', name: 'demo', author: 'app', next_look_at: null } as const;
  server.log.write((tx) => changePull(tx, pull.id, { ...opened, ...to }, new Date().toISOString()));
}

/** A page of the app that the errand works on, as its agent would take it. */
async function drawBill(): Promise<Buffer> {
  const rows = ['Ann  $3.34', 'Bea  $3.33', 'Cem  $3.33'].map(
    (row, i) => `<text x="30" y="${150 + i * 50}" font-size="24" font-family="monospace" fill="#222">${row}</text>`,
  );
  const head = '<text x="30" y="70" font-size="32" font-family="sans-serif" fill="#222">Dinner, $10.00</text>';
  const page = `<svg xmlns="http://www.w3.org/2000/svg" width="640" height="320"><rect width="640" height="320" fill="#fbf7ee"/>${head}${rows.join('')}</svg>`;
  return sharp(Buffer.from(page)).png().toBuffer();
}

function finishTests(errand: LivelyErrand, bill: Buffer): void {
  errand.begin();
  errand.tool('run_command', { command: 'npm test' }, TEST_OUTPUT, { exit_code: 1, duration_ms: 2100 });
  errand.say('The shares do not add up: the cents that remain are lost. I spread them over the first people.');
  errand.tool('edit_file', { path: 'src/split.ts', old_text: 'a\nb', new_text: 'a\nc\nd' }, 'Edited.');
  errand.tool('run_command', { command: 'npm test' }, 'All 4 tests pass.', { exit_code: 0, duration_ms: 1900 });
  errand.tool('show_picture', { path: '/tmp/bill.png', caption: 'The bill as three see it now' }, 'Shown.', {
    pictures: [bill],
  });
  errand.say('All four tests pass now.');
  const summary = 'Spread the cents that remain over the first people.';
  errand.succeed({ summary, diff_stat: stat(2, 7, 2) }, DIFF);
}

function workOn(errand: LivelyErrand): void {
  errand.begin();
  errand.spend(0.84);
  errand.plan(
    ['Read the changelog of Koa 3', 'done'],
    ['Upgrade koa and its types', 'done'],
    ['Fix the 4 failing tests', 'in_progress'],
    ['Run lint and the whole suite', 'pending'],
  );
  errand.tool('read_file', { path: 'package.json' }, '1\t{');
  errand.tool('search', { pattern: 'ctx.body' }, 'src/http/empty.ts:12');
  errand.tool('read_file', { path: 'src/http/empty.ts' }, '1\texport');
  errand.say(
    'Koa 3 no longer sets `ctx.body = null` to **204** when a status was set before. Four tests rely on that:\n\n' +
      '1. the empty answer\n2. the health check\n\nI set the status where the body is cleared:\n\n' +
      '```ts\nctx.body = null;\nctx.status = 204;\n```\n',
  );
  errand.tool('edit_file', { path: 'src/http/empty.ts', old_text: 'a', new_text: 'b\nc\nd' }, 'Edited.');
  errand.tool('run_command', { command: 'npm test' }, TEST_OUTPUT, { exit_code: 1, duration_ms: 31_000 });
  errand.say('One is left: the health check sets 200 first. I set the body explicitly there.');
  errand.startTool('run_command', { command: 'npm test' });
}

const stat = (files: number, insertions: number, deletions: number) => ({ files, insertions, deletions });
