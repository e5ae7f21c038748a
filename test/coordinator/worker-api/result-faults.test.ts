import test from 'ava';
import { findDiff } from '../../../coordinator/sqlite/diffs.ts';
import { cancelTask } from '../../../coordinator/tasks/task-commands.ts';
import { setCallbackScene } from '../../support/callback-scene.ts';
import { taskOf } from '../../support/fixtures.ts';

const COMMIT = 'a'.repeat(40);

test('a success with changes and no commit that has them has failed, and its diff is kept', async (t) => {
  const { scene, task_id, succeed } = await setCallbackScene(t);
  t.is((await succeed({ diff: 'work' })).status, 200);
  const detail = 'The worker reported changes, but no commit that has them.';
  t.like(taskOf(scene.log, task_id), { status: 'failed', reason: 'agent_error', detail });
  t.is(findDiff(scene.log.db, task_id)?.diff, 'work');
});

test('a success that holds back a commit has failed where nobody is to approve it', async (t) => {
  const { scene, task_id, succeed } = await setCallbackScene(t);
  t.is((await succeed({ diff: 'work', held_commit: COMMIT })).status, 200);
  const detail = "The worker held back the commit aaaaaaaaaaaa, but this errand's pushes need no approval.";
  t.like(taskOf(scene.log, task_id), { status: 'failed', reason: 'agent_error', detail });
});

test('an end as after a cancel has failed where nobody has cancelled the task', async (t) => {
  const { scene, task_id, result } = await setCallbackScene(t);
  t.is((await result(0, { status: 'cancelled' })).status, 200);
  const detail = 'The worker ended as after a cancel, but nobody has cancelled the errand.';
  t.like(taskOf(scene.log, task_id), { status: 'failed', reason: 'agent_error', detail });
});

test('an end as after a cancel is one where a person has cancelled the task', async (t) => {
  const { scene, user_id, task_id, result } = await setCallbackScene(t);
  scene.log.write((tx) => cancelTask(tx, user_id, task_id));
  t.is((await result(0, { status: 'cancelled' })).status, 200);
  t.like(taskOf(scene.log, task_id), { status: 'cancelled', reason: null });
});
