import { join } from 'node:path';
import test from 'ava';
import { findDiff } from '../../../coordinator/sqlite/diffs.ts';
import {
  findRepositoryDiff,
  findTaskRepository,
  insertTaskRepository,
} from '../../../coordinator/sqlite/task-repositories.ts';
import { ErrandError } from '../../../protocol/problem.ts';
import { callerOf, ready, setCallbackScene } from '../../support/callback-scene.ts';
import { startAttempt, taskOf } from '../../support/fixtures.ts';
import { git } from '../../support/git-server.ts';
import { setUp } from '../../support/git-proxy-scene.ts';
import { advance } from '../../../coordinator/tasks/advance.ts';

const [BASE, COMMIT] = ['b'.repeat(40), 'a'.repeat(40)];
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

for (const [what, isAt, expected] of [
  ['has', () => Promise.resolve(true), 'succeeded'],
  ['does not have', () => Promise.resolve(false), 'failed'],
] as const)
  test(`a commit of which no push is known, and which the repository ${what}: ${expected}`, async (t) => {
    const forward = () => Promise.reject(new ErrandError('unavailable', 'There is no git.'));
    const { scene, task_id, succeed } = await setCallbackScene(t, {}, { git: { forward, isAt } });
    t.is((await succeed(brought(`errand/${task_id}-x`))).status, 200);
    t.is(taskOf(scene.log, task_id).status, expected);
  });

test('the git proxy looks at the repository for the commit of a branch, and takes a forge that is away for a no', async (t) => {
  const scene = await setUp(t);
  const commit = await git(join(scene.forge.root, 'team/app'), 'rev-parse', 'main');
  const caller = { task_id: 't', user_id: 'u', attempt: 1, signal: new AbortController().signal };
  const isAt = (branch: string, at: string) =>
    scene.proxy.isAt?.(caller, { task_id: 't', key: null, branch, commit: at });
  t.true(await isAt('main', commit));
  t.false(await isAt('main', COMMIT));
  t.false(await isAt('mai', commit));
  await scene.forge.close();
  t.false(await isAt('main', commit));
});
