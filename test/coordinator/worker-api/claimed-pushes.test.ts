import test from 'ava';
import { findDiff } from '../../../coordinator/sqlite/diffs.ts';
import {
  findRepositoryDiff,
  findTaskRepository,
  insertTaskRepository,
} from '../../../coordinator/sqlite/task-repositories.ts';
import { ErrandError } from '../../../protocol/problem.ts';
import type { WorkerProxy } from '../../../coordinator/worker-api/caller.ts';
import type { PushState } from '../../../coordinator/worker-api/claimed-pushes.ts';
import { callerOf, ready, setCallbackScene } from '../../support/callback-scene.ts';
import { startAttempt, taskOf } from '../../support/fixtures.ts';
import { advance } from '../../../coordinator/tasks/advance.ts';

const [BASE, COMMIT, OTHER] = ['b'.repeat(40), 'a'.repeat(40), 'c'.repeat(40)];
const SIZE = { files: 1, insertions: 1, deletions: 0 };
const brought = (branch: string | null) => ({
  branch,
  commit: COMMIT,
  base_commit: BASE,
  diff_stat: SIZE,
  diff: 'work',
});
const nothing = { branch: null, commit: null, base_commit: BASE, diff_stat: SIZE, diff: '', diff_truncated: false };
const AWARE = {
  seq: 1,
  at: '2026-01-02T03:04:05.678Z',
  type: 'agent.started',
  body: { agent: 'a', version: '1', resumed: false, takes_repositories: true },
};
/** A git proxy that says this of each push. Undefined: nobody is to ask. */
const forge = (say: () => PushState | Promise<PushState> | undefined): WorkerProxy => ({
  forward: () => Promise.reject(new ErrandError('unavailable', 'There is no git.')),
  findPush: async () => (await say()) ?? Promise.reject(new Error('No push was to be looked for.')),
});
const FURTHER = { n: 1, project_id: null, base_branch: null, work_branch: null };

test('a success whose commit was never pushed has failed, and its diff is kept without the branch', async (t) => {
  const { scene, task_id, succeed } = await setCallbackScene(t);
  t.is((await succeed(brought(`errand/${task_id}-x`))).status, 200);
  const { status, reason, detail, result } = taskOf(scene.log, task_id);
  t.deepEqual([status, reason], ['failed', 'agent_error']);
  t.is(
    detail,
    `The worker reported the commit ${COMMIT.slice(0, 12)} as pushed to errand/${task_id}-x, but it never pushed it.`,
  );
  t.like(result, { branch: null, commit: null, diff_stat: SIZE });
  t.is(findDiff(scene.log.db, task_id)?.diff, 'work');
  t.is((await succeed(brought(`errand/${task_id}-x`))).status, 200, 'a repeat of the result has no effect');
});

test('a push counts for its own branch, commit and repository alone', async (t) => {
  const { scene, task_id, seePush, events, result } = await setCallbackScene(t);
  const branch = `errand/${task_id}-x`;
  scene.log.write(({ db }) =>
    insertTaskRepository(db, { ...FURTHER, task_id, key: 'docs', repo_url: 'https://f.test/d' }),
  );
  seePush(`${branch}-2`, COMMIT);
  seePush(branch, BASE);
  seePush(branch, COMMIT, 'docs');
  const docs = { key: 'docs', ...brought(branch), diff_truncated: false };
  t.is((await events([AWARE, ready(2)])).status, 200);
  t.is((await result(2, { ...brought(branch), repositories: [docs] })).status, 200);
  t.like(taskOf(scene.log, task_id), { status: 'failed', result: { branch: null, commit: null } });
  t.like(findTaskRepository(scene.log.db, task_id, 'docs')?.result, { branch, commit: COMMIT });
});

test('a success needs the push to each further repository', async (t) => {
  const { scene, task_id, seePush, events, result } = await setCallbackScene(t);
  const branch = `errand/${task_id}-x`;
  scene.log.write(({ db }) =>
    insertTaskRepository(db, { ...FURTHER, task_id, key: 'docs', repo_url: 'https://f.test/d' }),
  );
  seePush(branch, COMMIT);
  const docs = { key: 'docs', ...brought(branch), diff_truncated: false };
  t.is((await events([AWARE, ready(2)])).status, 200);
  t.is((await result(2, { ...brought(branch), repositories: [docs] })).status, 200);
  t.regex(taskOf(scene.log, task_id).detail ?? '', /pushed to errand\/\S+ in docs, but it never pushed it/);
  t.like(taskOf(scene.log, task_id), { status: 'failed', result: { branch, commit: COMMIT } });
  t.like(findTaskRepository(scene.log.db, task_id, 'docs')?.result, { branch: null, commit: null });
  t.is(findRepositoryDiff(scene.log.db, task_id, 'docs')?.diff, 'work');
});

test('a commit that names no branch was not pushed', async (t) => {
  const { scene, task_id, seePush, succeed } = await setCallbackScene(t);
  seePush(`errand/${task_id}-x`, COMMIT);
  t.is((await succeed(brought(null))).status, 200);
  t.like(taskOf(scene.log, task_id), { status: 'failed', reason: 'agent_error' });
});

test('what an earlier attempt has pushed counts, and so does a branch that is back at its base', async (t) => {
  const { scene, task_id, seePush, result } = await setCallbackScene(t);
  const branch = `errand/${task_id}-x`;
  seePush(branch, COMMIT);
  t.is((await result(0, { ...brought(branch), status: 'failed', reason: 'stuck' })).status, 200);
  const at = new Date().toISOString();
  const goOn = () => {
    scene.log.write((tx) => advance(tx, taskOf(scene.log, task_id), { type: 'message', at }));
    return callerOf(scene, task_id, startAttempt(scene.log, task_id));
  };
  t.is((await (await goOn()).succeed(brought(branch))).status, 200);
  t.is(taskOf(scene.log, task_id).status, 'succeeded');
  t.is((await (await goOn()).succeed({ ...nothing, branch, commit: BASE })).status, 200);
  t.is(taskOf(scene.log, task_id).status, 'succeeded');
});

for (const [state, has_begun, expected] of [
  ['there', false, 'succeeded'],
  ['unknown', false, 'succeeded'],
  ['missing', true, 'failed'],
  ['gone', false, 'failed'],
  ['gone', true, 'succeeded'],
  ['elsewhere', false, 'failed'],
  ['elsewhere', true, 'succeeded'],
] as const)
  test(`a commit of which no push is known, which is ${state} by its repository, ${has_begun ? 'after another push' : 'without any push'}: ${expected}`, async (t) => {
    const { scene, task_id, seePush, succeed } = await setCallbackScene(t, {}, { git: forge(() => state) });
    const branch = `errand/${task_id}-x`;
    if (has_begun) seePush(branch, OTHER);
    t.is((await succeed(brought(branch))).status, 200);
    t.is(taskOf(scene.log, task_id).status, expected);
    const told = scene.log.db
      .prepare("SELECT body FROM events WHERE task_id = ? AND type = 'log'")
      .pluck()
      .all(task_id);
    const text = `The repository did not say whether the commit aaaaaaaaaaaa was pushed to ${branch}, as the worker reports.`;
    t.deepEqual(told, state === 'unknown' ? [JSON.stringify({ level: 'warn', text })] : []);
  });

test('a commit of others that the task has brought once counts after its branch is merged and deleted', async (t) => {
  const states: PushState[] = ['there'];
  const { scene, task_id, succeed } = await setCallbackScene(t, {}, { git: forge(() => states.pop()) });
  const named = 'somebody/else';
  scene.log.db.prepare('UPDATE tasks SET work_branch = ? WHERE id = ?').run(named, task_id);
  t.is((await succeed(brought(named))).status, 200);
  const at = new Date().toISOString();
  scene.log.write((tx) => advance(tx, taskOf(scene.log, task_id), { type: 'message', at }));
  const next = await callerOf(scene, task_id, startAttempt(scene.log, task_id));
  t.is((await next.succeed(brought(named))).status, 200);
  t.like(taskOf(scene.log, task_id), { status: 'succeeded', result: { branch: named, commit: COMMIT } });
});

test('a success whose changes are said to be in the commit that it started from has failed, wherever that commit is', async (t) => {
  const { scene, task_id, succeed } = await setCallbackScene(t, {}, { git: forge(() => 'there') });
  const named = 'somebody/else';
  scene.log.db.prepare('UPDATE tasks SET work_branch = ? WHERE id = ?').run(named, task_id);
  t.is((await succeed({ ...brought(named), commit: BASE })).status, 200);
  const detail = 'The worker reported changes, but no commit that has them.';
  t.like(taskOf(scene.log, task_id), { status: 'failed', reason: 'agent_error', detail });
});

test('a repository is not asked for a result that is refused anyway', async (t) => {
  const asked: PushState[] = [];
  const git = forge(() => {
    asked.push('there');
    return 'there';
  });
  const { scene, task_id, events, result } = await setCallbackScene(t, {}, { git });
  const branch = `errand/${task_id}-x`;
  t.is((await events([ready(1)])).status, 200);
  t.is((await result(2, brought(branch))).status, 409);
  t.is((await result(0, brought(branch))).status, 400);
  t.is((await result(1, brought('main'))).status, 400);
  const unknown = { key: 'nowhere', ...brought(branch), diff_truncated: false };
  t.is((await result(1, { ...brought(branch), repositories: [unknown] })).status, 400);
  t.deepEqual(asked, []);
  t.is((await result(1, brought(branch))).status, 200);
  t.is(taskOf(scene.log, task_id).status, 'succeeded');
});

test('one result of a task is looked into at a time', async (t) => {
  const [asked, answer] = [Promise.withResolvers<void>(), Promise.withResolvers<PushState>()];
  const git = forge(() => {
    asked.resolve();
    return answer.promise;
  });
  const { scene, task_id, events, result } = await setCallbackScene(t, {}, { git });
  t.is((await events([ready(1)])).status, 200);
  const first = result(1, brought(`errand/${task_id}-x`));
  await asked.promise;
  t.is((await result(1, brought(`errand/${task_id}-x`))).status, 429);
  answer.resolve('there');
  t.is((await first).status, 200);
  t.is(taskOf(scene.log, task_id).status, 'succeeded');
});
