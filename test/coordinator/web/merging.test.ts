import test, { type ExecutionContext } from 'ava';
import { gitHubOf, openedPull } from '../../support/forge/opened-pull.ts';
import { until } from '../../support/until.ts';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';

async function scene(t: ExecutionContext, draft = false, locale = 'en') {
  const { github, env } = await gitHubOf(t);
  const app = await openAppLoggedIn(t, { locale }, env);
  const opened = await openedPull(app, github, { draft });
  await app.page.goto(`${app.network.url}/errands/${opened.id}`);
  return { github, ...app, ...opened, card: app.page.locator('.pull-card') };
}

const NONE = { running: 0, passed: 0, failed: 0, failed_names: [] };

test('a draft is marked as ready and then merged, as the repository allows, after a look at both', async (t) => {
  const { page, card, issue, repository, faults } = await scene(t, true);
  await card.getByRole('button', { name: 'Ready for review' }).click();
  const confirm = page.getByRole('dialog', { name: 'Mark pull request #1 as ready for review?' });
  await confirm.getByText('Mend it').waitFor();
  t.true(issue.pull.draft, 'a touch alone changes nothing');
  await confirm.getByRole('button', { name: 'Ready for review' }).click();
  await card.getByText('#1 open').waitFor();
  t.false(issue.pull.draft);
  repository.merge_methods = ['squash', 'rebase'];
  await card.getByRole('button', { name: 'Merge', exact: true }).click();
  const sheet = page.getByRole('dialog', { name: 'Merge pull request #1' });
  await sheet.getByText('Mend it').waitFor();
  await sheet.getByText('Into main of ada/demo').waitFor();
  await sheet.getByRole('button', { name: 'Rebase onto the base' }).waitFor();
  t.is(await sheet.getByRole('button', { name: 'merge commit' }).count(), 0);
  t.false(issue.pull.merged);
  await sheet.getByRole('button', { name: 'Squash into one commit' }).click();
  await card.getByText('#1 merged').waitFor();
  t.true(issue.pull.merged);
  t.is(await card.getByRole('button').count(), 0);
  await page.getByText('Pull request #1 was merged').waitFor();
  t.deepEqual(faults, []);
});

test('nothing shows as merged before the forge has said so, and a refusal says why', async (t) => {
  const { github, page, card, issue, change } = await scene(t);
  const answers: (() => void)[] = [];
  github.intercept = async ({ url = '' }, response) => {
    if (!url.endsWith('/merge')) return false;
    await new Promise<void>((resolve) => answers.push(resolve));
    response.writeHead(405).end('{"message": "Required status check \\"test\\" is expected."}');
    return true;
  };
  await card.getByRole('button', { name: 'Merge' }).click();
  await page.getByRole('button', { name: 'Merge with a merge commit' }).click();
  const busy = card.getByRole('button', { name: 'Asking the forge' });
  await busy.waitFor();
  t.true(await busy.isDisabled());
  await card.getByText('#1 open').waitFor();
  (await until('the forge is asked', () => answers[0]))();
  const refusal = card.getByText('main requires checks that have not passed.');
  await refusal.waitFor();
  await card.getByRole('button', { name: 'Merge', exact: true }).waitFor();
  t.false(issue.pull.merged);
  change({ checks: { ...NONE, running: 1 } });
  await card.getByText('checks run').waitFor();
  t.is(await refusal.count(), 1, 'they have not passed yet');
  change({ checks: { ...NONE, passed: 1 } });
  await refusal.waitFor({ state: 'detached' });
});

test('a refusal goes where a newer reason stands, and where the person looks again', async (t) => {
  const { github, page, card, change } = await scene(t);
  github.intercept = ({ url = '' }, response) => {
    if (!url.endsWith('/merge')) return false;
    response.writeHead(405).end('{"message": "Required status check \\"test\\" is expected."}');
    return true;
  };
  const refusal = card.getByText('main requires checks that have not passed.');
  const merge = async () => {
    await card.getByRole('button', { name: 'Merge', exact: true }).click();
    await refusal.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Merge with a merge commit' }).click();
    await refusal.waitFor();
  };
  await merge();
  await merge();
  // It stands at the end of the conversation, above the composer.
  const is_whole = await refusal.evaluate((words) => {
    const { left, top, bottom } = words.getBoundingClientRect();
    return [top + 1, bottom - 1].every((y) => words.contains(document.elementFromPoint(left + 1, y)));
  });
  t.true(is_whole);
  change({ conflicts: true });
  await card.getByText('It can be merged here once it has no conflicts.').waitFor();
  await refusal.waitFor({ state: 'detached' });
});

test('what came after the person looked is not merged', async (t) => {
  const { github, page, card, issue, repository, head } = await scene(t);
  await card.getByRole('button', { name: 'Merge' }).click();
  const method = page.getByRole('button', { name: 'Merge with a merge commit' });
  await method.waitFor();
  await github.push(repository, head, { 'b.txt': 'b' });
  await method.click();
  await card.getByText('New commits have come to the branch').waitFor();
  t.false(issue.pull.merged);
});

test('where others have pushed, the card and the sheet say that the changes here are of another commit, with a link', async (t) => {
  const { github, page, card, issue, repository, head, commit, change } = await scene(t);
  await card.getByRole('button', { name: 'Merge', exact: true }).click();
  const sheet = page.getByRole('dialog');
  const link = sheet.getByRole('link', { name: 'See its changes on the forge' });
  t.is(await link.getAttribute('href'), `${github.origin}/ada/demo/pull/${issue.number}/files`);
  t.is(await page.getByText('The changes here are those of').count(), 0);
  await sheet.getByRole('button', { name: 'Cancel' }).click();
  const newer = await github.push(repository, head, { 'evil.sh': 'x' });
  change({ head_commit: newer });
  const words = `The changes here are those of ${commit.slice(0, 8)}, but it is at ${newer.slice(0, 8)} now`;
  await card.getByText(words).waitFor();
  await card.getByRole('button', { name: 'Merge', exact: true }).click();
  await sheet.getByText(words).waitFor();
  await link.waitFor();
});

test('the branch that the sheet names is the one that it is merged into', async (t) => {
  const { github, page, card, issue, repository, change } = await scene(t);
  await github.push(repository, 'next', { 'n.txt': 'n' });
  await card.getByRole('button', { name: 'Merge' }).click();
  const sheet = page.getByRole('dialog');
  await sheet.getByText('Into main of ada/demo').waitFor();
  issue.pull.base = 'next';
  change({ base_branch: 'next', title: 'Mend the rest' });
  await card.getByText('Mend the rest').waitFor();
  await sheet.getByRole('button', { name: 'Merge with a merge commit' }).click();
  await card.getByText('It goes into another branch now, which is next').waitFor();
  t.false(issue.pull.merged);
});

test('what others pushed to the branch before the merge leaves no work that lacks a pull request', async (t) => {
  const { page, card, commit, change } = await scene(t);
  await card.getByText('#1 open').waitFor();
  change({ head_commit: 'b'.repeat(40), told_commit: commit });
  change({ state: 'merged', next_look_at: null });
  await card.getByText('#1 merged').waitFor();
  t.is(await page.getByRole('button', { name: 'Open a pull request' }).count(), 0);
});

test('where it is not offered to merge, the card says why, and links to the forge', async (t) => {
  const { card, change, github } = await scene(t);
  const merge = card.getByRole('button', { name: 'Merge', exact: true });
  await merge.waitFor();
  change({ checks: { ...NONE, passed: 1, cancelled: 1, failed_names: ['test'], failed_states: ['cancelled'] } });
  await card.getByText('Not passed: test (cancelled)').waitFor();
  t.is(await merge.count(), 1, 'the forge decides');
  change({ checks: { ...NONE, failed: 1, failed_names: ['lint'] } });
  await card.getByText('It can be merged here once no check fails.').waitFor();
  t.is(await merge.count(), 0);
  t.is(await card.getByRole('link').getAttribute('href'), `${github.origin}/ada/demo/pull/1`);
  change({ checks: NONE, conflicts: true });
  await card.getByText('It can be merged here once it has no conflicts.').waitFor();
  change({ conflicts: false, checks: { ...NONE, running: 1 } });
  await merge.click();
  const sheet = card.page().getByRole('dialog');
  await sheet.getByText('Its checks have not all ended yet.').waitFor();
  await sheet.getByRole('button', { name: 'Squash' }).waitFor();
  change({ checks: { ...NONE, failed: 1, failed_names: ['lint'] } });
  await sheet.getByText('It can be merged here once no check fails.').waitFor();
  t.is(await sheet.getByRole('button', { name: 'Squash' }).count(), 0);
});

test('how a check ended that has not passed is said in the language of the person', async (t) => {
  const { card, change } = await scene(t, false, 'de-DE');
  const names = { failed_names: ['lint', 'cla', 'test'], failed_urls: [null, 'https://cla.example/', null] };
  const failed_states = ['failed' as const, 'needs_action' as const, 'cancelled' as const];
  change({ checks: { ...NONE, failed: 2, cancelled: 1, ...names, failed_states } });
  await card.getByText('Nicht bestanden: lint, cla (wartet auf einen Menschen), test (abgebrochen)').waitFor();
  t.is(await card.getByRole('link', { name: 'cla (wartet auf einen Menschen)' }).count(), 1);
});
