import test from 'ava';
import { waitingFor } from '../../../coordinator/domain/waiting-for.ts';
import { findDiff } from '../../../coordinator/sqlite/diffs.ts';
import { findNeed } from '../../../coordinator/sqlite/needs.ts';
import { answerNeed } from '../../../coordinator/tasks/answer-need.ts';
import { addMessage } from '../../../coordinator/tasks/task-commands.ts';
import { pushApproval } from '../../../coordinator/worker-api/git/push-approval.ts';
import { asksScene as scene, diff_stat, FIRST, held, spent } from '../../support/asks-scene.ts';

const SECOND = 'b'.repeat(40);

test('a project that asks before a push: the finished work is parked with its diff, until it is approved', async (t) => {
  const { log, task_id, succeed, needs, answer, task, next } = await scene(t, {}, { ask_before_push: 1 });
  await succeed(held(FIRST));
  t.is(task().status, 'parked');
  t.like(needs()[0], { kind: 'push', commit: FIRST, diff_stat, takes_text: true });
  t.like(waitingFor(task()), { kind: 'person', question: needs()[0]?.question });
  t.is(findDiff(log.db, task_id)?.diff, 'what was done');
  answer({ choose: ['approve'] });
  t.like(task(), { status: 'queued', approved_commit: FIRST });
  const again = await next();
  again.seePush(task().branch, FIRST);
  await again.succeed({ branch: task().branch, commit: FIRST });
  t.is(task().status, 'succeeded');
});

test('only the approved commit may be pushed: nothing before the answer, and nothing else after it', async (t) => {
  const { log, task_id, succeed, answer } = await scene(t, {}, { ask_before_push: 1 });
  const push = (...commits: string[]) =>
    pushApproval(log)(
      { task_id, key: null },
      {
        commands: commits.map((commit) => ({ old: '0'.repeat(40), new: commit, ref: 'refs/heads/x' })),
        capabilities: [],
        shallow: [],
      },
    );
  t.regex(push(FIRST)?.[0] ?? '', /not approved/);
  await succeed(held(FIRST));
  t.truthy(push(FIRST));
  answer({ choose: ['approve'] });
  t.is(push(FIRST), null);
  for (const commits of [[SECOND], [FIRST, SECOND], [SECOND, FIRST]]) t.is(push(...commits)?.length, commits.length);
});

test('work that is sent back goes on with the words, and asks again for what comes of it', async (t) => {
  const { succeed, needs, answer, task, next, said } = await scene(t, {}, { ask_before_push: 1 });
  await succeed(held(FIRST));
  for (const body of [
    { choose: ['send_back'] },
    { choose: ['approve'], text: 'but' },
    { choose: ['approve', 'send_back'] },
  ])
    t.throws(() => answer(body), { code: 'invalid' });
  answer({ choose: ['send_back'], text: 'Name it better.' });
  t.like(task(), { status: 'queued', approved_commit: null });
  t.deepEqual(said(), ['Name it better.']);
  await (await next()).succeed(held(SECOND));
  t.like(needs()[0], { kind: 'push', commit: SECOND });
});

test('work that was sent back and comes again unchanged is asked for again', async (t) => {
  const { log, user_id, task_id, succeed, needs, answer, task, next } = await scene(t, {}, { ask_before_push: 1 });
  await succeed(held(FIRST));
  log.write((tx) => addMessage(tx, user_id, task_id, { text: 'Looks good, push it.' }));
  await (await next()).succeed(held(FIRST));
  t.is(task().status, 'parked');
  t.like(needs()[0], { kind: 'push', commit: FIRST });
  answer({ choose: ['approve'] });
  t.like(task(), { status: 'queued', approved_commit: FIRST });
});

test('a worker that holds back what was approved has failed: nobody would be asked again', async (t) => {
  const { succeed, answer, task, needs, next } = await scene(t, {}, { ask_before_push: 1 });
  await succeed(held(FIRST));
  answer({ choose: ['approve'] });
  await (await next()).succeed(held(FIRST));
  const detail = 'The worker held back the commit aaaaaaaaaaaa, but it was approved.';
  t.like(task(), { status: 'failed', reason: 'agent_error', detail });
  t.deepEqual(needs(), []);
});

test('a message sends work back too', async (t) => {
  const { log, user_id, task_id, succeed, needs, task } = await scene(t, {}, { ask_before_push: 1 });
  await succeed(held(FIRST));
  log.write((tx) => addMessage(tx, user_id, task_id, { text: 'And a test.' }));
  t.is(task().status, 'queued');
  t.deepEqual(needs(), []);
});

test('a worker that knows no approvals tries to push and fails: its refused commit is asked for', async (t) => {
  const { log, task_id, result, needs, task } = await scene(t, {}, { ask_before_push: 1 });
  const commands = [{ old: '0'.repeat(40), new: SECOND, ref: 'refs/heads/x' }];
  t.truthy(pushApproval(log)({ task_id, key: null }, { commands, capabilities: [], shallow: [] }));
  await result(0, { status: 'failed', reason: 'push_rejected', branch: null, commit: null, diff: 'done' });
  t.is(task().status, 'parked');
  t.is(needs()[0]?.commit, SECOND);
});

test('a commit that was refused in an attempt that was lost is not asked for when a later one fails to push', async (t) => {
  const { log, task_id, result, next, needs, task } = await scene(t, {}, { ask_before_push: 1 });
  const commands = [{ old: '0'.repeat(40), new: FIRST, ref: 'refs/heads/x' }];
  t.truthy(pushApproval(log)({ task_id, key: null }, { commands, capabilities: [], shallow: [] }));
  await result(0, { status: 'failed', reason: 'worker_lost', summary: '' });
  t.like(task(), { status: 'queued', held_commit: null });
  log.db.prepare('UPDATE tasks SET retry_at = NULL').run();
  await (await next()).result(0, { status: 'failed', reason: 'push_failed', branch: null, commit: null });
  t.deepEqual(needs(), []);
  t.not(task().status, 'parked');
});

test('without the setting nothing is asked, whatever a worker says', async (t) => {
  const { succeed, needs, task } = await scene(t);
  await succeed(held(FIRST));
  t.is(task().status, 'failed');
  t.deepEqual(needs(), []);
});

test('a spent budget asks where the project says so, and one answer adds to it', async (t) => {
  const { result, needs, answer, task } = await scene(t, { ask_at_budget: true });
  await result(0, spent);
  t.is(task().status, 'parked');
  t.deepEqual(
    needs()[0]?.options.map(({ value }) => value),
    ['add_2', 'add_5', 'end'],
  );
  answer({ choose: ['add_2'] });
  t.like(task(), { status: 'queued', budget_usd: 3, reason: null });
});

test('ending it at its budget is the end as without the question', async (t) => {
  const { result, answer, task, needs } = await scene(t, { ask_at_budget: true });
  await result(0, spent);
  answer({ choose: ['end'] });
  t.like(task(), { status: 'failed', reason: 'budget_exhausted' });
  t.truthy(task().ended_at);
  t.deepEqual(needs(), []);
});

test('the answer that ends it is kept and told, as every other one', async (t) => {
  const { log, task_id, result, answer, needs } = await scene(t, { ask_at_budget: true });
  await result(0, spent);
  const need_id = needs()[0]?.id ?? '';
  answer({ choose: ['end'] });
  t.deepEqual(findNeed(log.db, task_id, need_id)?.answer?.choose, ['end']);
  const told = log.db
    .prepare<[string], string>(`SELECT type FROM events WHERE task_id = ? AND type LIKE 'need.%' ORDER BY id`)
    .pluck()
    .all(task_id);
  t.deepEqual(told, ['need.asked', 'need.answered']);
  t.throws(() => answer({ choose: ['add_2'] }, need_id), { code: 'conflict', message: /“End here”/ });
});

test('a message lets it go on at its spent budget, and the question is void: the next one is the only one', async (t) => {
  const { log, user_id, task_id, result, needs, task, next } = await scene(t, { ask_at_budget: true });
  await result(0, spent);
  const [first] = needs();
  log.write((tx) => addMessage(tx, user_id, task_id, { text: 'Go on.', budget_usd: 5 }));
  t.is(task().status, 'queued');
  t.deepEqual(needs(), []);
  const again = await next();
  await again.result(0, spent);
  t.is(needs().length, 1);
  t.not(needs()[0]?.id, first?.id);
});

test('a spent budget is asked for only as much more as its person may give', async (t) => {
  const { result, answer, task, needs } = await scene(t, { ask_at_budget: true }, { budget_usd: 7 });
  await result(0, spent);
  t.deepEqual(
    needs()[0]?.options.map(({ value }) => value),
    ['add_2', 'end'],
  );
  t.throws(() => answer({ choose: ['add_5'] }), { code: 'invalid' });
  answer({ choose: ['add_2'] });
  t.is(task().budget_usd, 9);
});

test('where the person may give no more, the task ends, and says who can raise the bound', async (t) => {
  for (const ask_at_budget of [true, false]) {
    const { result, task, needs } = await scene(t, { ask_at_budget }, { budget_usd: 9 });
    await result(0, { ...spent, detail: 'The budget of $9.00 is spent.' });
    t.deepEqual(needs(), []);
    t.like(task(), { status: 'failed', reason: 'budget_exhausted' });
    const detail =
      'The budget of $9.00 is spent. You may give an errand at most $10 on this server: its owner can raise that.';
    t.is(task().detail, detail);
  }
});

test('the owner of the server is asked at any budget', async (t) => {
  const { log, user_id, result, task } = await scene(t, { ask_at_budget: true }, { budget_usd: 90 });
  log.write(({ db }) => db.prepare(`UPDATE users SET role = 'owner' WHERE id = ?`).run(user_id));
  await result(0, spent);
  t.is(task().status, 'parked');
});

test('a bound that was lowered since the question holds for the answer, and the question stays open', async (t) => {
  const { log, user_id, task_id, result, needs } = await scene(t, { ask_at_budget: true }, { budget_usd: 7 });
  await result(0, spent);
  const where = { id: task_id, need_id: needs()[0]?.id ?? '' };
  const bound = { member_budget_usd_max: 8 };
  const answer = () => log.write((tx) => answerNeed(tx, bound, user_id, where, { choose: ['add_2'] }, null));
  t.throws(answer, { code: 'forbidden', message: /at most 8 dollars/ });
  t.is(needs().length, 1);
});

test('without the setting, and for every other failure, the task ends', async (t) => {
  const plain = await scene(t);
  await plain.result(0, spent);
  t.like(plain.task(), { status: 'failed', reason: 'budget_exhausted' });
  const other = await scene(t, { ask_at_budget: true });
  await other.result(0, { ...spent, reason: 'turn_limit' });
  t.is(other.task().status, 'failed');
});
