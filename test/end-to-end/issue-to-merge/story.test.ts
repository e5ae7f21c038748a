import type { ExecutionContext } from 'ava';
import { LIMITS } from '../../../protocol/limits.ts';
import { testEachForge } from '../../support/forge/each-forge.ts';
import { Story } from '../../support/forge/story.ts';
import { git } from '../../support/git-server.ts';
import { until } from '../../support/until.ts';
import { BROKEN, textOf } from '../scenario.ts';

/* From an issue to a merged pull request, with a forge of each kind. */

testEachForge(
  'sign in, pick, send, and follow the pull request through a review and a failed check to its merge, on a phone',
  async (t, kind) => {
    t.timeout(180_000);
    const story = await Story.start(t, kind, BROKEN);
    await signsIn(t, story);
    await sends(story);
    const first = await opensDraft(t, story);
    const second = await answersReview(t, story, first);
    const third = await answersCheck(t, story, second);
    await merges(t, story, third);
    t.deepEqual(story.faults, []);
  },
);

/** The first account comes from the forge, with the link that the server prints. */
async function signsIn(t: ExecutionContext, { at, page }: Story): Promise<void> {
  await page.goto(`${at.url}/#setup=${at.whole.errand.setup_code}`);
  await page.getByRole('button', { name: `Continue with ${at.forge.host}` }).click();
  await page.getByRole('link', { name: 'Authorize as ann' }).click();
  await page.getByText('live', { exact: true }).first().waitFor();
  t.is(page.url(), `${at.url}/`);
}

/** The errand makes the project, which is told to open drafts and to follow up. */
async function sends(story: Story): Promise<void> {
  const { at, page, issue, repository, begin } = story;
  const sheet = page.getByRole('dialog');
  await page.goto(`${at.url}/new`);
  await page.fill('textarea', `Fix #${issue.number}: the sum is wrong`);
  await page.getByRole('button', { name: 'Choose a repository' }).click();
  await sheet.getByText('ann/blog', { exact: true }).waitFor();
  await sheet.getByRole('searchbox').fill('add');
  await sheet.getByText('ann/blog', { exact: true }).waitFor({ state: 'detached' });
  await sheet.getByRole('button', { name: new RegExp(`ann/${repository.name}`) }).click();
  await page.getByRole('button', { name: 'Send' }).click();
  await story.errand();

  await page.goto(`${at.url}/settings/projects`);
  await page.getByRole('link', { name: new RegExp(repository.name) }).click();
  await page.getByLabel('Pull requests').selectOption({ label: 'Open a draft' });
  await page.getByLabel(/^Go back to work for reviews/).check();
  await page.getByRole('button', { name: 'Save' }).click();
  await page.waitForURL(`${at.url}/settings/projects`);
  begin();
}

async function opensDraft(t: ExecutionContext, story: Story): Promise<string> {
  const { at, page, issue, repository } = story;
  await page.goto(at.url);
  await page.getByRole('link', { name: /the sum is wrong/ }).click();
  await page.evaluate(() => Object.assign(globalThis, { was_not_reloaded: true }));
  await page.locator('.pull', { hasText: '#2 draft' }).last().waitFor();
  const { result, id } = await story.succeeded(null);
  const { pull } = story;
  t.like(pull, { title: 'Add what is to be added', number: 2, author: at.bot });
  t.like(pull.pull, { draft: true, head: result?.branch, base: 'main', head_commit: result?.commit });
  t.true(pull.body.includes(`Fixes #${issue.number}`));
  t.true(pull.body.includes(`${at.url}/errands/${id}`));
  const card = page.locator('.pull-card');
  t.is(await card.getByRole('link', { name: pull.title }).getAttribute('href'), result && pullPage(story));
  await card.getByText(`ann/${repository.name} · opened by the app: you can approve it`).waitFor();
  return result?.commit ?? '';
}

function pullPage({ at, pull, repository }: Story): string {
  return `${at.forge.origin}/ann/${repository.name}/${at.kind === 'github' ? 'pull' : 'pulls'}/${pull.number}`;
}

async function answersReview(t: ExecutionContext, story: Story, before: string): Promise<string> {
  const { at, page, bob, repository, pull } = story;
  const comments = [{ path: 'add.js', line: 1, body: 'Call it sum, please.' }];
  await at.forge.review(repository, pull, bob, { state: 'CHANGES_REQUESTED', body: 'Nearly.', comments });
  await page.getByText(/@bob has reviewed your pull request/).waitFor();
  // What else the model reads of it folds away.
  const rule = page.getByText('End your last answer with one line');
  t.false(await rule.isVisible());
  await page.getByText(/@bob has reviewed your pull request/).click();
  t.true(await rule.isVisible());
  const { result } = await story.succeeded(before);
  const commit = result?.commit ?? '';
  t.is(result?.branch, pull.pull.head);
  await until('the forge has the commit', () => story.pull.pull.head_commit === commit);
  t.regex(await fileAt(story, pull.pull.head), /const sum = \(a, b\) => a \+ b/);
  const [asked, reply] = await until('it is answered', () => pull.pull.comments.length > 1 && pull.pull.comments);
  t.like(reply, { author: at.bot, in_reply_to: asked });
  t.regex(reply?.body ?? '', new RegExp(`\nFixed \\(${commit.slice(0, 12)}\\)\\. it is called sum now\\.$`));
  await until('its thread is resolved', () => asked?.resolved);
  t.regex(lastRequest(story), /\[1\] add\.js, line 1[^]*Call it sum, please\./);
  return commit;
}

async function answersCheck(t: ExecutionContext, story: Story, before: string): Promise<string> {
  const { at, page, repository, pull } = story;
  const noise = Array.from({ length: 5_000 }, (_, i) => `Downloading package ${i}`);
  const log = [...noise, '##[error]SyntaxError: add.js does not provide an export named add', 'Done.'].join('\n');
  at.forge.check(repository, before, { name: 'unit tests', conclusion: 'failure', log });
  await page.getByText(/A check has failed for commit/).waitFor();
  const { result } = await story.succeeded(before);
  const commit = result?.commit ?? '';
  t.is(result?.branch, pull.pull.head);
  const request = lastRequest(story);
  t.regex(request, /\[2\] A check has failed[^]*unit tests[^]*does not provide an export named add/);
  t.true(request.split('Downloading package').length < noise.length / 10);
  t.true(request.length < 3 * LIMITS.check_log_chars_max);
  await until('it is answered', () => pull.comments.length > 0);
  t.is(pull.comments[0]?.author, at.bot);
  at.forge.check(repository, commit, { name: 'unit tests', conclusion: 'success' });
  await page.locator('.pull', { hasText: '#2 draft, checks passed' }).last().waitFor();
  return commit;
}

async function merges(t: ExecutionContext, story: Story, commit: string): Promise<void> {
  const { at, page, ann, repository, pull } = story;
  await at.forge.editPull(repository, pull, { draft: false }, ann);
  await page.locator('.pull', { hasText: '#2 open, checks passed' }).last().waitFor();
  await at.forge.merge(repository, pull, ann);
  await page.getByText('Pull request #2 was merged').waitFor();
  await page.locator('.pull-card .pull', { hasText: '#2 merged' }).waitFor();
  t.true(await page.evaluate(() => 'was_not_reloaded' in globalThis));
  t.regex(await fileAt(story, 'main'), /const sum = \(a, b\) => a \+ b/);
  // All of it in one pull request, each thing said once.
  t.is(story.pull.pull.head_commit, commit);
  t.is(pull.pull.comments.length, 2);
  t.is(pull.comments.length, 1);
  t.deepEqual(story.issue.comments, []);
  const sent = (await at.webhooks()).filter(({ url }) => url !== '');
  t.deepEqual(
    sent.filter(({ status }) => status !== 202).map(({ event, status }) => [event, status]),
    [],
  );
}

function fileAt({ at, repository }: Story, branch: string): Promise<string> {
  return git(at.forge.world.folder(repository), 'show', `${branch}:add.js`);
}

/** What the model was asked last. */
function lastRequest({ at }: Story): string {
  const body = at.whole.model.requests.at(-1)?.body;
  return body ? textOf(body).replaceAll('\\n', '\n') : '';
}
