import test from 'ava';
import type { PullRow } from '../../../coordinator/domain/pull.ts';
import { changePull } from '../../../coordinator/forge/pulls/pull-commands.ts';
import { listPullsOf } from '../../../coordinator/sqlite/pulls.ts';
import { taskOf } from '../../support/fixtures.ts';
import { loggedIn } from '../../support/logged-in.ts';
import { StagedErrand } from '../../support/staged-errand.ts';
import { until } from '../../support/until.ts';

const REPO = 'https://github.com/ada/demo';
const NOW = '2026-01-01T00:00:00.000Z';

/** An errand that has pushed a branch. */
async function pushed({ server, api }: Awaited<ReturnType<typeof loggedIn>>): Promise<StagedErrand> {
  const { id } = await api.call('createTask', { body: { prompt: 'Mend it', repo_url: REPO } });
  const errand = new StagedErrand(server.log, id);
  const diff_stat = { files: 1, insertions: 1, deletions: 0 };
  errand.begin();
  errand.end('succeeded', null, {
    summary: 'Mend it',
    branch: `errand/${id}-mend-it`,
    commit: 'a'.repeat(40),
    base_commit: null,
    diff_stat,
  });
  return errand;
}

test('pr asks for the pull request, waits for the forge and says what came of it', async (t) => {
  const scene = await loggedIn(t);
  const { server, cli, api } = scene;
  const errand = await pushed(scene);
  const asking = cli.start(['pr', errand.id.slice(0, 12), '--draft', '--as', 'app']);
  const [row] = await until('it is asked for', () => {
    const rows = listPullsOf(server.db, errand.id);
    return rows.length > 0 ? rows : undefined;
  });
  t.like(row, { state: 'opening', draft: true, wished_author: 'app', base_branch: null });
  const url = `${REPO}/pull/12`;
  const opened = {
    state: 'open',
    number: 12,
    url,
    owner: 'ada',
    name: 'demo',
    author: 'person',
    base_branch: 'main',
    conflicts: true,
    next_look_at: null,
  } as const;
  server.log.write((tx) => changePull(tx, row?.id ?? '', opened, NOW));
  const { code, stdout, stderr } = await asking.ended;
  t.is(code, 0, stderr);
  t.regex(
    stdout,
    /pull request #12 is open, as a draft, conflicts with main https:\/\/github\.com\/ada\/demo\/pull\/12/,
  );
  t.regex(stdout, /the app is not installed there/);
  t.like((await api.call('getTask', { params: { id: errand.id } })).pulls?.[0], { number: 12, repository: 'ada/demo' });
});

test('pr shows the page of each check that failed', async (t) => {
  const scene = await loggedIn(t);
  const { server, cli } = scene;
  const errand = await pushed(scene);
  const asking = cli.start(['pr', errand.id]);
  const [row] = await until('it is asked for', () => {
    const rows = listPullsOf(server.db, errand.id);
    return rows.length > 0 ? rows : undefined;
  });
  const checks = {
    running: 0,
    passed: 1,
    failed: 2,
    cancelled: 1,
    failed_names: ['lint', 'test (24)', 'docs'],
    failed_states: ['failed', 'needs_action', 'cancelled'],
    failed_urls: [null, `${REPO}/actions/runs/7`, null],
  } satisfies PullRow['checks'];
  const opened = { state: 'open', number: 12, url: `${REPO}/pull/12`, checks, next_look_at: null } as const;
  server.log.write((tx) => changePull(tx, row?.id ?? '', opened, NOW));
  const { stdout } = await asking.ended;
  t.regex(stdout, /failed: lint, test \(24\) \(needs an action\), docs \(cancelled\)/);
  t.regex(stdout, /\n {2}test \(24\) \(needs an action\): https:\/\/github\.com\/ada\/demo\/actions\/runs\/7\n/);
});

test('pr fails with the reason where the forge refuses, and before anything was pushed', async (t) => {
  const scene = await loggedIn(t);
  const { server, cli, api } = scene;
  const errand = await pushed(scene);
  const asking = cli.start(['pr', errand.id]);
  const [row] = await until('it is asked for', () => {
    const rows = listPullsOf(server.db, errand.id);
    return rows.length > 0 ? rows : undefined;
  });
  const failed = { state: 'failed', problem: 'There is no token for github.com.', next_look_at: null } as const;
  server.log.write((tx) => changePull(tx, row?.id ?? '', failed, NOW));
  const { code, stdout } = await asking.ended;
  t.is(code, 1);
  t.regex(stdout, /could not be opened\n.*no token for github\.com/);
  const { id } = await api.call('createTask', { body: { prompt: 'Other', repo_url: REPO } });
  const refused = await cli.run(['pr', id]);
  t.is(refused.code, 2);
  t.regex(refused.stderr, /no pushed work/);
});

test('the log says which issues the agent was given, and why not others', async (t) => {
  const scene = await loggedIn(t);
  const { server, cli } = scene;
  const { id } = await pushed(scene);
  server.log.write((tx) => {
    const read = { number: 12, title: 'The parser\u001B[2J fails', problem: null };
    tx.note(taskOf(server.log, id), { type: 'thread.read', body: read }, NOW);
    const unread = { number: 13, repository: 'docs', title: null, problem: 'no_token' as const };
    tx.note(taskOf(server.log, id), { type: 'thread.read', body: unread }, NOW);
  });
  const { stdout } = await cli.run(['watch', id]);
  t.regex(stdout, /read for the agent: #12 The parser.* fails/);
  t.false(stdout.includes('\u001B[2J'));
  t.regex(stdout, /docs#13 could not be read: there is no token for its forge\. The agent has its number alone/);
});

test('a project says whether its errands open pull requests, and as whom', async (t) => {
  const { cli, api } = await loggedIn(t);
  await cli.run(['project', 'add', 'demo', '--repo', REPO, '--pull-requests', 'draft', '--no-check']);
  t.like((await api.call('listProjects', {})).items[0], { pull_requests: 'draft', pull_author: 'app' });
  await cli.run(['project', 'set', 'demo', '--pull-requests', 'ready', '--pull-author', 'person', '--no-check']);
  t.like((await api.call('listProjects', {})).items[0], { pull_requests: 'ready', pull_author: 'person' });
  const refused = await cli.run(['project', 'set', 'demo', '--pull-requests', 'always']);
  t.regex(refused.stderr, /--pull-requests must be one of none, draft, ready: always/);
});
