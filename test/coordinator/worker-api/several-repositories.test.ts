import test, { type ExecutionContext } from 'ava';
import type { NeedAnswerCreate } from '../../../protocol/needs.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { answerNeed } from '../../../coordinator/tasks/answer-need.ts';
import { Redactor } from '../../../coordinator/base/redactor.ts';
import { ThreadPool } from '../../../coordinator/base/threads.ts';
import { addMessage } from '../../../coordinator/tasks/task-commands.ts';
import { branchPrefix } from '../../../coordinator/domain/task.ts';
import { pushedBranches } from '../../../coordinator/forge/pulls/pushed-branches.ts';
import { listOpenNeeds } from '../../../coordinator/sqlite/needs.ts';
import {
  findRepositoryDiff,
  holdRepositoryCommit,
  insertTaskRepository,
  listTaskRepositories,
} from '../../../coordinator/sqlite/task-repositories.ts';
import { callerOf, setCallbackScene } from '../../support/callback-scene.ts';
import { startAttempt, taskOf } from '../../support/fixtures.ts';
import { readAssignment } from '../../support/read-assignment.ts';

const AT = '2026-01-02T03:04:05.678Z';
const [ONE, TWO, THREE] = ['a'.repeat(40), 'b'.repeat(40), 'c'.repeat(40)];
const repo_url = 'https://forge.example/team/shop';

/** A running task in `shop`, `web` and `api`. */
async function scene(t: ExecutionContext, of_task: Record<string, number> = {}, redactor?: Redactor) {
  const all = await setCallbackScene(t, {}, { redactorOf: () => redactor });
  const { scene: api, task_id, user_id } = all;
  const { log } = api;
  log.write(({ db }) => {
    db.prepare('UPDATE tasks SET repo_url = ? WHERE id = ?').run(repo_url, task_id);
    for (const [name, value] of Object.entries(of_task))
      db.prepare(`UPDATE tasks SET ${name} = ? WHERE id = ?`).run(value, task_id);
    for (const [i, key] of ['web', 'api'].entries()) {
      const fields = { project_id: null, base_branch: null, work_branch: key === 'web' ? 'topic' : null };
      insertTaskRepository(db, { task_id, n: i + 1, key, repo_url: `https://other.example/${key}`, ...fields });
    }
  });
  const task = () => taskOf(log, task_id);
  const others = () => listTaskRepositories(log.db, task_id);
  const needs = () => listOpenNeeds(log.db, task_id);
  const answer = (body: Partial<NeedAnswerCreate>) =>
    log.write((tx) => {
      const ids = { id: task_id, need_id: needs()[0]?.id ?? '' };
      return answerNeed(tx, { member_budget_usd_max: 10 }, user_id, ids, { choose: [], ...body }, null);
    });
  const next = async () => callerOf(api, task_id, startAttempt(log, task_id));
  return { ...all, log, branch: `${branchPrefix(task_id)}x`, task, others, needs, answer, next };
}

const started = (more: object = {}) => ({
  seq: 1,
  at: AT,
  type: 'agent.started',
  body: { agent: 'a', version: '1', resumed: false, takes_messages: true, ...more },
});
const AWARE = started({ takes_repositories: true });
const ready = (seq: number, repository?: string) => ({
  seq,
  at: AT,
  type: 'repository.ready',
  body: { branch: 'x', base_branch: 'main', base_commit: ONE, commit: ONE, ...(repository && { repository }) },
});
const pushed = (seq: number, branch: string, repository?: string) => ({
  seq,
  at: AT,
  type: 'branch.pushed',
  body: { branch, commit: TWO, wip: false, diff_stat: SIZE, ...(repository && { repository }) },
});
const SIZE = { files: 1, insertions: 2, deletions: 3 };
const done = (key: string, more: object = {}) => ({
  key,
  branch: null,
  commit: null,
  base_commit: ONE,
  diff_stat: SIZE,
  diff: `of ${key}`,
  diff_truncated: false,
  ...more,
});

test('a worker that knows one repository loses its attempt with the reason, before it has cloned anything', async (t) => {
  const unaware: unknown[][] = [[started()], [started({ takes_repositories: false }), ready(2)], [ready(1)]];
  for (const events of unaware) {
    const { events: post, task, others, log, task_id } = await scene(t);
    const reply = await post(events);
    t.like(reply, { status: 409, body: { code: 'stale_attempt' } });
    t.like(task(), { status: 'failed', reason: 'agent_error', result: null });
    t.regex(task().detail ?? '', /works in 3 repositories, and its worker knows only one: upgrade the worker image/);
    t.is(others().length, 2);
    const stored = log.db.prepare("SELECT count(*) AS n FROM events WHERE task_id = ? AND type = 'repository.ready'");
    t.like(stored.get(task_id), { n: 0 });
  }
});

test('a worker that knows several is taken, and one that does not is taken for an errand with one', async (t) => {
  const several = await scene(t);
  t.is((await several.events([AWARE, ready(2), ready(3, 'web'), ready(4, 'api')])).status, 200);
  const one = await setCallbackScene(t);
  t.is((await one.events([started()])).status, 200);
});

test('the assignment names the other repositories, and what may be pushed to each', async (t) => {
  const { log, task_id, attempt } = await scene(t, { ask_before_push: 1 });
  const settings = () => ({ env: {}, egress: 'none' as const, author: { name: 'E', email: 'e@localhost' } });
  const pace = { heartbeat_ms: 1, lease_ms: 2 };
  const deps = {
    db: log.db,
    settings,
    issueToken: () => Promise.resolve('t'),
    pace,
    time_limit_ms: 1,
    park_after_ms: 1,
    threads: new ThreadPool(),
  };
  const { repositories } = await readAssignment(deps, task_id, attempt);
  t.deepEqual(repositories, [
    {
      key: 'web',
      repo_url: 'https://other.example/web',
      base_branch: null,
      work_branch: 'topic',
      approved_commit: null,
    },
    { key: 'api', repo_url: 'https://other.example/api', base_branch: null, approved_commit: null },
  ]);
});

test('what was pushed, and the result, are kept for each repository', async (t) => {
  const { events, result, seePush, branch, others, task, log, task_id } = await scene(t);
  await events([AWARE, pushed(2, branch, 'api'), pushed(3, 'topic', 'web'), ready(4)]);
  t.deepEqual(
    others().map((row) => row.pushed_branch),
    ['topic', branch],
  );
  t.is(task().pushed_branch, null);
  const repositories = [done('web', { branch: 'topic', commit: TWO }), done('api', { diff: '' })];
  seePush(branch, ONE);
  seePush('topic', TWO, 'web');
  t.is((await result(4, { branch, commit: ONE, repositories })).status, 200);
  t.like(task(), { status: 'succeeded', result: { branch, commit: ONE } });
  t.like(others()[0]?.result, { branch: 'topic', commit: TWO, base_commit: ONE, diff_stat: SIZE });
  t.is(findRepositoryDiff(log.db, task_id, 'web')?.diff, 'of web');
  t.deepEqual(
    pushedBranches(log.db, task()).map((each) => [each.key, each.repo_url, each.branch, each.commit]),
    [
      ['shop', repo_url, branch, ONE],
      ['web', 'https://other.example/web', 'topic', TWO],
    ],
  );
});

test('an attempt that failed before it pushed replaces no earlier result of any repository', async (t) => {
  const { events, result, seePush, branch, others, next, log, user_id, task_id } = await scene(t);
  await events([AWARE, ready(2)]);
  seePush('topic', TWO, 'web');
  await result(2, { branch, commit: ONE, repositories: [done('web', { branch: 'topic', commit: TWO })] });
  log.write((tx) => addMessage(tx, user_id, task_id, { text: 'Go on.' }));
  const again = await next();
  await again.events([AWARE]);
  const nothing = { branch: null, commit: null, diff: '', repositories: [done('web', { diff: '' })] };
  t.is((await again.result(1, { ...nothing, status: 'failed', reason: 'agent_error', detail: 'no' })).status, 200);
  t.is(others()[0]?.result?.commit, TWO);
});

test('a worker reports only of repositories and branches of its task', async (t) => {
  const { events, result, branch, task } = await scene(t);
  const refused = async (reply: ReturnType<typeof events>, field: string) => {
    const { status, body } = await reply;
    t.is(status, 400, field);
    t.true(JSON.stringify(body).includes(`"field":"${field}"`), JSON.stringify(body));
  };
  await events([AWARE]);
  for (const key of ['other', 'shop', 'repo'])
    await refused(events([pushed(2, branch, key)]), '/events/0/body/repository');
  await refused(events([ready(2, 'other')]), '/events/0/body/repository');
  await refused(events([pushed(2, 'topic', 'api')]), '/events/0/body/branch');
  await refused(events([pushed(2, 'topic')]), '/events/0/body/branch');
  await refused(events([pushed(2, 'main', 'web')]), '/events/0/body/branch');
  await refused(events([pushed(2, branch, '../web')]), '/events/0/body/repository');
  const failing: [unknown[], string][] = [
    [[done('other')], '/repositories/0/key'],
    [[done('web'), done('web')], '/repositories/1/key'],
    [[done('web', { branch: 'main' })], '/repositories/0/branch'],
    [[done('api', { branch: 'topic' })], '/repositories/0/branch'],
    [Array.from({ length: LIMITS.repositories_max }, () => done('web')), '/repositories'],
  ];
  for (const [repositories, field] of failing) await refused(result(1, { repositories }), field);
  t.is(task().status, 'running');
});

test('the diffs of a result have one limit together', async (t) => {
  const { events, result } = await scene(t);
  await events([AWARE]);
  const half = 'x'.repeat(LIMITS.diff_bytes_max / 2);
  const repositories = [done('web', { diff: half }), done('api', { diff: 'x' })];
  t.is((await result(1, { diff: half, repositories })).status, 413);
  t.is((await result(1, { diff: half, repositories: repositories.slice(0, 1) })).status, 200);
});

test('work in several repositories is approved by one answer, each with its own commit', async (t) => {
  const { events, result, needs, answer, task, others, next, branch } = await scene(t, { ask_before_push: 1 });
  await events([AWARE, ready(2)]);
  const held = (first: object, ...rest: unknown[]) => ({
    branch: null,
    commit: null,
    diff_stat: SIZE,
    ...first,
    repositories: rest,
  });
  await result(2, held({ held_commit: ONE }, done('web', { held_commit: TWO }), done('api', { diff: '' })));
  t.is(task().status, 'parked');
  const waiting = [{ key: 'web', commit: TWO, diff_stat: SIZE }];
  t.like(needs()[0], {
    kind: 'push',
    commit: ONE,
    repositories: waiting,
    diff_stat: { files: 2, insertions: 4, deletions: 6 },
  });
  answer({ choose: ['approve'] });
  t.like(task(), { status: 'queued', approved_commit: ONE });
  t.deepEqual(
    others().map((row) => row.approved_commit),
    [TWO, null],
  );

  // What came of it afterwards in one of them is asked for alone.
  const again = await next();
  await again.events([AWARE, ready(2)]);
  const of_web = done('web', { branch: 'topic', commit: TWO });
  again.seePush('topic', TWO, 'web');
  again.seePush(branch, ONE);
  await again.result(2, { branch, commit: ONE, repositories: [of_web, done('api', { held_commit: THREE })] });
  const [need] = needs();
  t.is(need?.commit, undefined);
  t.like(need, { repositories: [{ key: 'api', commit: THREE }], diff_stat: SIZE });
  answer({ choose: ['approve'] });
  t.is(others()[1]?.approved_commit, THREE);
  const last = await next();
  await last.events([AWARE, ready(2)]);
  last.seePush(branch, THREE, 'api');
  await last.result(2, { branch, commit: ONE, repositories: [of_web, done('api', { branch, commit: THREE })] });
  t.is(task().status, 'succeeded');
});

test('an approved commit may be held back until that of another repository is approved too', async (t) => {
  const { events, result, needs, answer, task, next } = await scene(t, { ask_before_push: 1 });
  await events([AWARE, ready(2)]);
  const web = done('web', { held_commit: TWO });
  await result(2, { repositories: [web] });
  answer({ choose: ['approve'] });
  const again = await next();
  await again.events([AWARE, ready(2)]);
  await again.result(2, { repositories: [web, done('api', { held_commit: THREE })] });
  t.like(task(), { status: 'parked', detail: null });
  t.like(needs()[0], { repositories: [{ key: 'api', commit: THREE }] });
});

test('a worker that knows no approvals and was refused in a further repository is asked for that commit', async (t) => {
  const { events, result, needs, log, task_id, others } = await scene(t, { ask_before_push: 1 });
  await events([AWARE]);
  log.write(({ db }) => holdRepositoryCommit(db, task_id, 'web', TWO));
  await result(1, {
    status: 'failed',
    reason: 'push_rejected',
    branch: null,
    commit: null,
    repositories: [done('web')],
  });
  t.like(needs()[0], { kind: 'push', repositories: [{ key: 'web', commit: TWO }] });
  t.deepEqual(
    others().map((row) => row.held_commit),
    [null, null],
    'it is asked for once',
  );
});

test('secrets are redacted from what is said of a further repository, and the names that it needs stay', async (t) => {
  const secret = { name: 'KEY', value: 'a-secret-value' };
  const { events, result, seePush, log, task_id, others } = await scene(
    t,
    {},
    Redactor.of([secret, { name: 'WEB', value: 'web' }]),
  );
  await events([AWARE]);
  const repositories = [done('web', { branch: 'topic', commit: TWO, diff: `+${secret.value}\n` })];
  seePush('topic', TWO, 'web');
  t.is((await result(1, { repositories })).status, 200);
  t.like(others()[0]?.result, { branch: 'topic', commit: TWO });
  t.is(findRepositoryDiff(log.db, task_id, 'web')?.diff, '+[secret KEY]\n');
});
