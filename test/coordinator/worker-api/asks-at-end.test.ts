import test, { type ExecutionContext } from 'ava';
import { newId } from '../../../protocol/ids.ts';
import { findDiff } from '../../../coordinator/sqlite/diffs.ts';
import { findNeed, listOpenNeeds } from '../../../coordinator/sqlite/needs.ts';
import { findProject, insertProject } from '../../../coordinator/sqlite/projects.ts';
import { waitingFor } from '../../../coordinator/domain/waiting-for.ts';
import { answerNeed } from '../../../coordinator/tasks/answer-need.ts';
import { addMessage } from '../../../coordinator/tasks/task-commands.ts';
import { askForHost } from '../../../coordinator/worker-api/egress/ask-for-host.ts';
import { pushApproval } from '../../../coordinator/worker-api/git/push-approval.ts';
import { TaskSettings } from '../../../coordinator/tasks/task-settings.ts';
import { allowsHost } from '../../../coordinator/domain/egress-policy.ts';
import { readKeys } from '../../../coordinator/base/keys.ts';
import { createLogger } from '../../../coordinator/base/logger.ts';
import { listPendingMessages } from '../../../coordinator/sqlite/messages.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import type { NeedAnswerCreate } from '../../../protocol/needs.ts';
import { setCallbackScene, callerOf } from '../../support/callback-scene.ts';
import { startAttempt, taskOf } from '../../support/fixtures.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { until } from '../../support/until.ts';
import { NO_LINKS } from '../../support/no-links.ts';

const at = '2026-01-02T03:04:05.678Z';
const [FIRST, SECOND] = ['a'.repeat(40), 'b'.repeat(40)];
const diff_stat = { files: 1, insertions: 2, deletions: 3 };
const held = (held_commit: string) => ({ branch: null, commit: null, held_commit, diff_stat, diff: 'what was done' });
const spent = { status: 'failed', reason: 'budget_exhausted', summary: '' };

const PROJECT = {
  name: 'p',
  repo_url: 'errand://sample',
  base_branch: null,
  setup_command: null,
  verify_command: null,
  model: null,
  effort: null,
  extra_models: [],
  max_tokens: null,
  budget_usd: null,
  max_turns: null,
  egress: 'registries' as const,
  egress_hosts: [],
  allowed_hosts: [],
  ask_before_push: false,
  pull_requests: 'none' as const,
  pull_author: 'app' as const,
  ask_at_budget: false,
  mentions: false,
  follow_up: false,
  env: {},
  secrets: null,
  has_git_token: false,
  secret_names: [],
  created_at: at,
  updated_at: at,
};
const NO_TOKEN = { git_token: undefined, git_token_users: [], git_host: '' };

/** A running task of a project with these settings, and what its person does. */
async function scene(t: ExecutionContext, settings: object = {}, of_task: object = {}) {
  const all = await setCallbackScene(t);
  const { scene: api, user_id, task_id } = all;
  const project_id = newId();
  api.log.write((tx) => {
    insertProject(tx.db, { ...PROJECT, id: project_id, user_id, ...settings });
    tx.db.prepare('UPDATE tasks SET project_id = ? WHERE id = ?').run(project_id, task_id);
    for (const [name, value] of Object.entries(of_task))
      tx.db.prepare(`UPDATE tasks SET ${name} = ? WHERE id = ?`).run(value, task_id);
  });
  const needs = () => listOpenNeeds(api.log.db, task_id);
  const answer = (body: Partial<NeedAnswerCreate>, need_id = needs()[0]?.id ?? '') =>
    api.log.write((tx) =>
      answerNeed(tx, { member_budget_usd_max: 10 }, user_id, { id: task_id, need_id }, { choose: [], ...body }, null),
    );
  const task = () => taskOf(api.log, task_id);
  const next = async () => callerOf(api, task_id, startAttempt(api.log, task_id));
  const said = () => listPendingMessages(api.log.db, task_id).map(({ text }) => text);
  return { ...all, log: api.log, project_id, needs, answer, task, next, said };
}

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

test('without the setting nothing is asked, whatever a worker says', async (t) => {
  const { succeed, needs, task } = await scene(t);
  await succeed(held(FIRST));
  t.is(task().status, 'succeeded');
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

test('the bound of a person holds for what is added, and the question stays open', async (t) => {
  const { result, answer, task, needs } = await scene(t, { ask_at_budget: true }, { budget_usd: 7 });
  await result(0, spent);
  t.throws(() => answer({ choose: ['add_5'] }), { code: 'forbidden', message: /at most 10 dollars/ });
  t.is(needs().length, 1);
  answer({ choose: ['add_2'] });
  t.is(task().budget_usd, 9);
});

test('without the setting, and for every other failure, the task ends', async (t) => {
  const plain = await scene(t);
  await plain.result(0, spent);
  t.like(plain.task(), { status: 'failed', reason: 'budget_exhausted' });
  const other = await scene(t, { ask_at_budget: true });
  await other.result(0, { ...spent, reason: 'turn_limit' });
  t.is(other.task().status, 'failed');
});

/** Asks for hosts as the forward proxy does. */
function hosts({ log, task_id }: Awaited<ReturnType<typeof scene>>) {
  const ask = askForHost(log, createLogger('silent'));
  return (...names: string[]) => {
    for (const name of names) ask({ task_id }, name);
    // The writes share one transaction with this one, which is the last.
    return log.enqueue(() => undefined);
  };
}

for (const [choose, said_then] of [
  ['no', []],
  ['once', ['[Errand] api.example.com may be reached now. Run the command again if you still need it.']],
] as const)
  test(`a host that is answered with '${choose}' leaves an errand parked that waits for another decision`, async (t) => {
    const all = await scene(t, {}, { ask_before_push: 1 });
    const { succeed, needs, answer, task, said } = all;
    await hosts(all)('api.example.com');
    await succeed(held(FIRST));
    const [host, push] = ['host', 'push'].map((kind) => needs().find((need) => need.kind === kind)?.id);
    answer({ choose: [choose] }, host);
    t.is(task().status, 'parked');
    t.deepEqual(
      needs().map(({ id }) => id),
      [push],
    );
    answer({ choose: ['approve'] }, push);
    t.is(task().status, 'queued');
    t.deepEqual(said(), said_then, 'it is told once it goes on');
  });

test('the question about a host that registries lead to says why it is not allowed by itself', async (t) => {
  const all = await scene(t);
  await hosts(all)('github.com');
  t.regex(all.needs()[0]?.question ?? '', /services\.gradle\.org lead there, but anyone can upload .* May it\?$/);
});

for (const choice of ['once', 'project'] as const)
  test(`a host that is allowed ${choice} may be reached, and the worker is told`, async (t) => {
    const all = await scene(t);
    const { log, task_id, project_id, needs, answer, said } = all;
    const keys = readKeys(await temporaryFolder(t));
    const settings = new TaskSettings({ db: log.db, keys, config: NO_TOKEN, linked: NO_LINKS });
    const host = 'registry.example.org';
    await hosts(all)(host, host);
    t.deepEqual(
      needs().map(({ kind, host, options }) => [kind, host, options.map(({ value }) => value)]),
      [['host', host, ['once', 'project', 'no']]],
    );
    t.false(allowsHost(settings.egress(task_id), host));
    answer({ choose: [choice] });
    t.true(allowsHost(settings.egress(task_id), host));
    t.false(allowsHost(settings.egress(task_id), `x.${host}`));
    t.deepEqual(findProject(log.db, project_id)?.allowed_hosts, choice === 'project' ? [host] : []);
    t.regex(said()[0] ?? '', /registry\.example\.org may be reached now/);
  });

test('a host that is refused stays blocked, and is not asked for again', async (t) => {
  const all = await scene(t);
  await hosts(all)('tracker.example.org');
  all.answer({ choose: ['no'] });
  t.regex(all.said()[0] ?? '', /stays blocked/);
  await hosts(all)('tracker.example.org');
  t.deepEqual(all.needs(), []);
});

test('the number of hosts that a task asks for is limited, and its questions still come through', async (t) => {
  const all = await scene(t);
  await hosts(all)(...Array.from({ length: LIMITS.host_needs_per_task_max + 5 }, (_, i) => `h${i}.example.org`));
  t.is(all.needs().length, LIMITS.host_needs_per_task_max);
  await all.events([{ seq: 1, at, type: 'question.asked', body: { ref: 'q', question: 'Which?' } }]);
  t.is(all.needs().at(-1)?.kind, 'question');
});

test('a host is not waited for: the task ends, and goes on when it is allowed later', async (t) => {
  const all = await scene(t);
  await hosts(all)('registry.example.org');
  t.is(all.task().status, 'starting');
  await all.succeed();
  t.is(all.task().status, 'succeeded');
  all.answer({ choose: ['once'] });
  await until('it is queued', () => all.task().status === 'queued');
});
