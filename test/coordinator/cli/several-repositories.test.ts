import { existsSync } from 'node:fs';
import test from 'ava';
import { putRepositoryResult } from '../../../coordinator/sqlite/task-repositories.ts';
import { putDiff } from '../../../coordinator/sqlite/diffs.ts';
import { loggedIn } from '../../support/logged-in.ts';
import { StagedErrand } from '../../support/staged-errand.ts';

const [API, SHOP, DOCS] = ['https://github.com/ada/api', 'https://github.com/ada/shop', 'https://github.com/ada/docs'];
const NOW = '2026-01-01T00:00:00.000Z';
const DIFF_STAT = { files: 1, insertions: 1, deletions: 0 };

const diffOf = (word: string) => `diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1 +1 @@\n-old\n+${word}\n`;

test('an errand is sent to several repositories, by addresses and projects, each from its branch', async (t) => {
  const { cli, api } = await loggedIn(t);
  // A project may have the name of a folder where the command runs.
  const name = 'protocol';
  t.true(existsSync(name));
  await api.call('createProject', { body: { name, repo_url: DOCS } });
  const sent = await cli.run(['task', 'Rename it', '--repo', API, '--also', `${SHOP}#next`, '--also', `${name}#main`]);
  t.is(sent.code, 0, sent.stderr);
  const [task] = (await api.call('listTasks', {})).items;
  t.deepEqual(
    task?.repositories?.map(({ key, repo_url, base_branch }) => [key, repo_url, base_branch]),
    [
      ['api', API, null],
      ['shop', SHOP, 'next'],
      ['docs', DOCS, 'main'],
    ],
  );
  t.not(task?.repositories?.[2]?.project_id, null);
});

for (const [text, base_branch, work_branch] of [
  [`${API}#next`, 'next', null],
  [`${API}.git#next:topic`, 'next', 'topic'],
  [`${API}#:topic`, null, 'topic'],
] as const)
  test(`--repo ${text} names its branches as --also does`, async (t) => {
    const { cli, api } = await loggedIn(t);
    const sent = await cli.run(['task', 'Rename it', '--repo', text]);
    t.is(sent.code, 0, sent.stderr);
    const [task] = (await api.call('listTasks', {})).items;
    t.like(task, { base_branch, work_branch });
  });

test('each further repository may have a branch to start from, one to push to, or both', async (t) => {
  const { cli, api } = await loggedIn(t);
  const also = [`${SHOP}#next:topic`, `${DOCS}#:topic`, 'https://github.com/ada/web#a#b'];
  const sent = await cli.run(['task', 'Rename it', '--repo', API, ...also.flatMap((one) => ['--also', one])]);
  t.is(sent.code, 0, sent.stderr);
  const [task] = (await api.call('listTasks', {})).items;
  t.deepEqual(
    task?.repositories?.slice(1).map(({ base_branch, work_branch }) => [base_branch, work_branch]),
    [
      ['next', 'topic'],
      [null, 'topic'],
      ['a#b', null],
    ],
  );
});

test('what is wrong with a branch of a further repository is said as of the first, and names its option', async (t) => {
  const { cli } = await loggedIn(t);
  const failure = async (...also: string[]) =>
    (await cli.run(['task', 'Rename it', '--repo', API, ...also.flatMap((one) => ['--also', one])])).stderr;
  t.regex(await failure(`${SHOP}#next:to pic`), /^the branch to push to in --also is not a branch name$/m);
  t.regex(await failure(`${SHOP}#ne~xt`), /^the branch to start from in --also is not a branch name$/m);
  await cli.run(['task', 'Rename it', '--repo', SHOP, '--push-to', 'topic']);
  t.regex(await failure(`${SHOP}#:topic`), /^An errand of yours works on the branch topic now/);
});

for (const [what, also, words] of [
  ['the same repository twice', [`${API}.git`], /--also is https:\/\/github\.com\/ada\/api\.git, which the errand has/],
  ['a path', ['./shop'], /'\.\/shop' is a path on this machine/],
  ['a project that there is not', ['nowhere'], /nowhere/],
  ['too many', Array.from({ length: 5 }, (_, i) => `${SHOP}${i}`), /--also/],
] as const)
  test(`${what}: nothing is sent, and the option is named`, async (t) => {
    const { cli, api } = await loggedIn(t);
    const options = also.flatMap((one) => ['--also', one]);
    const { code, stderr } = await cli.run(['task', 'Rename it', '--repo', API, ...options]);
    t.not(code, 0);
    t.regex(stderr, words);
    t.deepEqual((await api.call('listTasks', {})).items, []);
  });

test('diff shows each repository below its name, or one alone; watch says what was pushed where', async (t) => {
  const { server, cli, api } = await loggedIn(t);
  const repositories = [{ repo_url: SHOP }, { repo_url: DOCS }];
  const { id } = await api.call('createTask', {
    body: { prompt: 'Rename it', repo_url: API, repositories },
  });
  const errand = new StagedErrand(server.log, id);
  errand.begin();
  const outcome = { branch: `errand/${id}-rename-it`, commit: 'b'.repeat(40), base_commit: null, diff_stat: DIFF_STAT };
  server.log.write(({ db }) => {
    putDiff(db, id, { diff: diffOf('cent'), truncated: false });
    putRepositoryResult(db, id, 'shop', outcome, { diff: diffOf('yen'), truncated: true }, NOW);
  });
  errand.end('succeeded', null, { summary: 'Renamed', ...outcome });

  const all = await cli.run(['diff', id]);
  t.is(all.stdout, `# api\n${diffOf('cent')}# shop\n${diffOf('yen')}# docs: unchanged\n`);
  t.regex(all.stderr, /not the whole change in shop: it was too long/);
  t.is((await cli.run(['diff', id, '--repository', 'shop'])).stdout, diffOf('yen'));
  t.not((await cli.run(['diff', id, '--repository', 'nowhere'])).code, 0);

  const watched = await cli.run(['watch', id]);
  t.regex(
    watched.stdout,
    /github\.com\/ada\/api · https:\/\/github\.com\/ada\/shop · https:\/\/github\.com\/ada\/docs/,
  );
  t.regex(watched.stdout, new RegExp(`errand/${id}-rename-it in api \\(`));
  t.regex(watched.stdout, new RegExp(`errand/${id}-rename-it in shop \\(`));
  t.notRegex(watched.stdout, /in docs/);
});
