import test from 'ava';
import { LIMITS } from '../../../protocol/limits.ts';
import { addMessage } from '../../../coordinator/tasks/task-commands.ts';
import { listAttempts } from '../../../coordinator/sqlite/attempts.ts';
import { readEventsOf } from '../../../coordinator/sqlite/events.ts';
import { advance, endAttempt } from '../../../coordinator/tasks/advance.ts';
import { findDiff } from '../../../coordinator/sqlite/diffs.ts';
import type { WorkerApiResponse } from '../../support/worker-api-call.ts';
import type { WorkerApiScene } from '../../support/worker-api-scene.ts';
import { startAttempt, taskOf } from '../../support/fixtures.ts';
import { setCallbackScene as worker, callerOf as caller, ready } from '../../support/callback-scene.ts';

const at = '2026-01-02T03:04:05.678Z';
const ALL = { rows_max: 10_000, bytes_max: 1e9 };

const line = (seq: number, text = `line ${seq}`) => ({ seq, at, type: 'log', body: { level: 'info', text } });

const stored = ({ log }: WorkerApiScene, user_id: string) => readEventsOf(log.db, user_id, 0, ALL).rows;
const codeOf = ({ body }: WorkerApiResponse) => (body as { code: string }).code;

test('a result ends the attempt and the task; it may be repeated, and every other callback is refused', async (t) => {
  const { scene, task_id, events, heartbeat, result } = await worker(t);
  await events([line(1), ready(2)]);
  t.is((await result(2)).status, 200);
  t.like(taskOf(scene.log, task_id), { status: 'succeeded', result: { summary: 'Done.', branch: null } });
  t.deepEqual(findDiff(scene.log.db, task_id), { diff: '', truncated: false });
  t.deepEqual(scene.ended, [`${task_id}/1`]);
  t.deepEqual(
    [(await result(2)).status, (await result(2)).body],
    [200, { acked_seq: 2, control: { messages: [], cancel: null } }],
  );
  for (const answer of [await events([line(3)]), await heartbeat()])
    t.deepEqual([answer.status, codeOf(answer)], [409, 'attempt_ended']);
  t.deepEqual(scene.ended, [`${task_id}/1`]);
});

test('the diff of work that the forge refused is kept', async (t) => {
  const { scene, task_id, result } = await worker(t);
  const refused = { status: 'failed', reason: 'push_rejected', branch: null, commit: null, diff: 'what was done' };
  t.is((await result(0, refused)).status, 200);
  t.is(findDiff(scene.log.db, task_id)?.diff, 'what was done');
});

test('an attempt that pushed nothing keeps what an earlier one has pushed, and its summary where it has none', async (t) => {
  const { scene, user_id, task_id, succeed, seePush } = await worker(t);
  const { summary, ...brought } = {
    summary: 'Mended.',
    branch: `errand/${task_id}-x`,
    commit: 'a'.repeat(40),
    base_commit: 'b'.repeat(40),
    diff_stat: { files: 1, insertions: 2, deletions: 3 },
  };
  seePush(brought.branch, brought.commit);
  t.is((await succeed({ summary, ...brought, diff: 'what was mended' })).status, 200);
  const goOn = async () => {
    scene.log.write((tx) => advance(tx, taskOf(scene.log, task_id), { type: 'message', at }));
    return caller(scene, task_id, startAttempt(scene.log, task_id));
  };
  const failed = await goOn();
  const nothing = { status: 'failed', reason: 'repository_not_found', summary: '', diff: '' };
  t.is((await failed.result(0, nothing)).status, 200);
  t.like(taskOf(scene.log, task_id), { status: 'failed', result: { summary, ...brought } });
  t.is(findDiff(scene.log.db, task_id)?.diff, 'what was mended');
  const stuck = await goOn();
  t.is((await stuck.result(0, { ...nothing, summary: 'I am stuck.' })).status, 200);
  t.like(taskOf(scene.log, task_id), { status: 'failed', result: { summary: 'I am stuck.', ...brought } });
  const answered = await goOn();
  t.is((await answered.succeed({ summary: 'A typo.', diff: '' })).status, 200);
  t.like(taskOf(scene.log, task_id), { status: 'succeeded', result: { summary: 'A typo.', ...brought } });
  t.is(findDiff(scene.log.db, task_id)?.diff, 'what was mended');
  const { branch, commit, diff_stat } = brought;
  const results = stored(scene, user_id).filter(({ type }) => type === 'task.result');
  t.deepEqual(
    results.map(({ body }) => JSON.parse(body) as object),
    ['Mended.', '', 'I am stuck.', 'A typo.'].map((said) => ({ summary: said, branch, commit, diff_stat })),
  );
});

test('work that is held or refused has its own diff, and keeps the branch that an earlier attempt has pushed', async (t) => {
  const { scene, task_id, succeed, seePush } = await worker(t);
  scene.log.write(({ db }) => db.prepare('UPDATE tasks SET ask_before_push = 1').run());
  const place = { branch: `errand/${task_id}-x`, commit: 'a'.repeat(40) };
  const diff_stat = { files: 1, insertions: 2, deletions: 3 };
  seePush(place.branch, place.commit);
  t.is((await succeed({ ...place, diff_stat, diff: 'first' })).status, 200);
  const unpushed = { branch: null, commit: null, diff_stat: { ...diff_stat, files: 2 } };
  const held = { held_commit: 'c'.repeat(40), diff: 'held' };
  const refused = { status: 'failed', reason: 'push_rejected', diff: 'refused' };
  for (const reported of [refused, held]) {
    scene.log.write((tx) => advance(tx, taskOf(scene.log, task_id), { type: 'message', at }));
    const next = await caller(scene, task_id, startAttempt(scene.log, task_id));
    t.is((await next.succeed({ ...unpushed, ...reported })).status, 200);
    t.like(taskOf(scene.log, task_id).result, { ...place, diff_stat: unpushed.diff_stat });
    t.is(findDiff(scene.log.db, task_id)?.diff, reported.diff);
  }
});

test('a success that pushed nothing replaces what an attempt before it could not push', async (t) => {
  const { scene, task_id, result } = await worker(t);
  const refused = { status: 'failed', reason: 'push_rejected', branch: null, commit: null, diff: 'what was done' };
  t.is((await result(0, refused)).status, 200);
  scene.log.write((tx) => advance(tx, taskOf(scene.log, task_id), { type: 'message', at }));
  const second = await caller(scene, task_id, startAttempt(scene.log, task_id));
  t.is((await second.succeed({ summary: 'Nothing to do.', diff: '' })).status, 200);
  t.is(findDiff(scene.log.db, task_id)?.diff, '');
});

test('a result is checked beyond its schema', async (t) => {
  const { scene, task_id, events, result } = await worker(t);
  await events([line(1)]);
  const bad: [object, string][] = [
    [{ last_seq: 0 }, '/last_seq'],
    [{ reason: 'stuck' }, '/reason'],
    [{ status: 'failed' }, '/reason'],
    [{ branch: 'main' }, '/branch'],
    [{ attempt: 2 }, '/attempt'],
    [{ diff: 'x'.repeat(LIMITS.diff_bytes_max + 1) }, '/diff'],
  ];
  for (const [fields, field] of bad) t.like((await result(1, fields)).body, { errors: [{ field }] });
  t.is(taskOf(scene.log, task_id).status, 'running');
});

test('refuses every callback of an older attempt and of one that was given up', async (t) => {
  const { scene, user_id, task_id, events, heartbeat, result } = await worker(t);
  await events([line(1)]);
  const lost = { status: 'failed', reason: 'worker_lost', detail: 'gone', at: new Date().toISOString() } as const;
  scene.log.write((tx) => endAttempt(tx, taskOf(scene.log, task_id), 1, lost));
  const before = stored(scene, user_id).length;
  const refused = async () => {
    for (const answer of [await events([line(2)]), await heartbeat(), await result(1)])
      t.deepEqual([answer.status, codeOf(answer)], [409, 'stale_attempt']);
  };
  await refused();
  startAttempt(scene.log, task_id);
  await refused();
  t.is(stored(scene, user_id).length, before + 1);
  t.is(listAttempts(scene.log.db, task_id).at(-1)?.status, 'starting');
});

test('a message that the worker never read queues the task again', async (t) => {
  const { scene, user_id, task_id, events, result } = await worker(t);
  await events([ready(1)]);
  scene.log.write((tx) => addMessage(tx, user_id, task_id, { text: 'One more thing' }));
  t.is((await result(1)).status, 200);
  t.is(taskOf(scene.log, task_id).status, 'queued');
  // The assignment of the second attempt has the message: an attempt that ignores it again ends the task.
  const attempt = startAttempt(scene.log, task_id);
  const second = await caller(scene, task_id, attempt);
  t.is((await second.succeed()).status, 200);
  t.is(taskOf(scene.log, task_id).status, 'succeeded');
});
