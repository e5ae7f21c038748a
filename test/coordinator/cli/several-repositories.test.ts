import test from 'ava';
import { listPullsOf } from '../../../coordinator/sqlite/pulls.ts';
import { changePull } from '../../../coordinator/forge/pulls/pull-commands.ts';
import { putDiff } from '../../../coordinator/sqlite/diffs.ts';
import { putRepositoryResult } from '../../../coordinator/sqlite/task-repositories.ts';
import { loggedIn } from '../../support/logged-in.ts';
import { StagedErrand } from '../../support/staged-errand.ts';
import { until } from '../../support/until.ts';

const [API, SHOP, DOCS] = ['https://github.com/ada/api', 'https://github.com/ada/shop', 'https://github.com/ada/docs'];
const now = () => new Date().toISOString();

test('task --also names further repositories with their branches, and a mistake says which one', async (t) => {
  const { cli, api } = await loggedIn(t);
  const { code, stderr } = await cli.run([
    'task',
    'Rename it',
    '--repo',
    API,
    '--also',
    `${SHOP}#next`,
    '--also',
    DOCS,
  ]);
  t.is(code, 0, stderr);
  const [task] = (await api.call('listTasks', {})).items;
  t.deepEqual(
    task?.repositories?.map(({ repo_url, base_branch }) => [repo_url, base_branch]),
    [
      [API, null],
      [SHOP, 'next'],
      [DOCS, null],
    ],
  );
  const cases: [string[], RegExp][] = [
    [['--also', SHOP, '--also', `${API}.git`], /--also number 2 /],
    [['--also', './shop'], /is a path on this machine/],
    [[SHOP, DOCS, `${DOCS}2`, `${DOCS}3`, `${DOCS}4`].flatMap((url) => ['--also', url]), /--also /],
  ];
  for (const [options, message] of cases) {
    const refused = await cli.run(['task', 'Rename it', '--repo', API, ...options]);
    t.is(refused.code, 2);
    t.regex(refused.stderr, message);
  }
  t.is((await api.call('listTasks', {})).items.length, 1);
});

test('diff, watch and pr show each repository, and one alone where it is named', async (t) => {
  const { server, cli, api } = await loggedIn(t);
  const repositories = [{ repo_url: SHOP }, { repo_url: DOCS }];
  const { id } = await api.call('createTask', { body: { prompt: 'Rename it', repo_url: API, repositories } });
  const errand = new StagedErrand(server.log, id);
  const diff_stat = { files: 1, insertions: 1, deletions: 0 };
  const [branch, commit] = [`errand/${id}-rename-it`, 'a'.repeat(40)];
  errand.begin();
  const pushed = { branch, commit, wip: false, diff_stat };
  errand.report({ type: 'branch.pushed', body: { ...pushed, repository: 'shop' } });
  putDiff(server.db, id, { diff: 'diff of api\n', truncated: false });
  const outcome = { branch, commit, base_commit: null, diff_stat };
  putRepositoryResult(server.db, id, 'shop', outcome, { diff: 'diff of shop\n', truncated: false }, now());
  errand.end('succeeded', null, { summary: 'Renamed.', ...outcome });

  t.is((await cli.run(['diff', id])).stdout, '# repository api\ndiff of api\n# repository shop\ndiff of shop\n');
  t.is((await cli.run(['diff', id, '--repository', 'shop'])).stdout, 'diff of shop\n');
  const unknown = await cli.run(['diff', id, '--repository', 'other']);
  t.not(unknown.code, 0);
  t.regex((await cli.run(['watch', id])).stdout, /shop: pushed to errand\//);

  const asking = cli.start(['pr', id, '--repository', 'shop']);
  const [row, ...others] = await until('it is asked for', () => {
    const rows = listPullsOf(server.db, id);
    return rows.length > 0 ? rows : undefined;
  });
  t.is(row?.repo_url, SHOP);
  t.is(others.length, 0);
  const failed = { state: 'failed', problem: 'There is no token.', next_look_at: null } as const;
  server.log.write((tx) => changePull(tx, row?.id ?? '', failed, now()));
  t.regex((await asking.ended).stdout, /pull request for shop could not be opened/);
  const all = cli.start(['pr', id]);
  await until('both are asked for', () => listPullsOf(server.db, id).length === 2 || undefined);
  for (const { id: pull_id } of listPullsOf(server.db, id))
    server.log.write((tx) => changePull(tx, pull_id, failed, now()));
  t.regex((await all.ended).stdout, /for shop could not[^]*for api could not/);
});
