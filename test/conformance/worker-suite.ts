import assert from 'node:assert/strict';
import { newId } from '../../protocol/ids.ts';
import { Problem } from '../../protocol/problem.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { CONTRACT_VERSION, WorkerHealth, WorkerStatus, type Assignment } from '../../protocol/worker.ts';
import type { MockTask } from '../support/mock-coordinator/task.ts';
import { until } from '../support/until.ts';
import { callWorker, type Reply } from '../support/worker-call.ts';
import type { Rule } from './rule.ts';
import type { RunningWorker, WorkerSource } from './worker-under-test.ts';

/** What a worker is asked to do: something short that ends by itself, and something that is still under way when it is interrupted. */
export type Prompts = { short: string; long: string };

/** What the suite is held against: a source of workers, and how long each may take for its task. */
export type WorkerUnderTest = { source: WorkerSource; prompts: Prompts; work_ms: number };

const BOOT_MS = 30_000;
const HEARTBEAT_MS = 500;

const get = (worker: RunningWorker, path: string) => callWorker(worker.address, 'GET', path);
const post = (worker: RunningWorker, path: string, body: unknown) => callWorker(worker.address, 'POST', path, body);

async function healthy(worker: RunningWorker): Promise<WorkerHealth> {
  let reply: Reply | undefined;
  const asked = async () => (reply = await get(worker, '/healthz').catch(() => undefined))?.status === 200;
  await until('the worker answers /healthz with 200', asked, BOOT_MS);
  return WorkerHealth.parse(reply?.body);
}

function isProblem(reply: Reply, status: number): void {
  assert.equal(reply.status, status, `it answered ${reply.status}`);
  assert.ok(Problem.safeParse(reply.body).success, 'it answered without a problem document');
}

function addTask(worker: RunningWorker, prompt: string, more: Partial<Assignment> = {}): MockTask {
  const { mock, repo_url, model } = worker;
  return mock.addTask({ prompt, title: 'Conformance', repo_url, model, heartbeat_ms: HEARTBEAT_MS, ...more });
}

/** Hands over; over TCP the token is asked for from then on. */
async function hand(worker: RunningWorker, task: MockTask): Promise<void> {
  const reply = await post(worker, '/task', task.assignment());
  assert.equal(reply.status, 202, `the hand-over was answered with ${reply.status}: ${JSON.stringify(reply.body)}`);
}

/** A fresh worker with its long task under way: events have come. */
async function underWay({
  source,
  prompts,
  work_ms,
}: WorkerUnderTest): Promise<{ worker: RunningWorker; task: MockTask }> {
  const worker = await source.start();
  await healthy(worker);
  // An agent that asks the model through the coordinator waits for it here.
  worker.mock.faults.add('llm', { kind: 'hang' }, 1000);
  const task = addTask(worker, prompts.long);
  await hand(worker, task);
  const steps = ['repository.ready', 'conversation.started', 'turn.started', 'tool.started'];
  await until('its work is under way', () => task.events.some(({ type }) => steps.includes(type)), work_ms);
  return { worker, task };
}

async function exitCode({ ended }: RunningWorker, within_ms: number): Promise<number | null> {
  let code: number | null | undefined;
  void ended?.then((exit) => (code = exit));
  await until('the worker has exited', () => code !== undefined, within_ms);
  return code ?? null;
}

const inOrder = (task: MockTask) =>
  assert.ok(
    task.events.every(({ seq }, i) => seq === i + 1),
    'events from 1, without a gap',
  );

/** The life of one worker, from its boot to its end: these follow one another, on the same worker. */
export function oneLife(): readonly Rule<WorkerUnderTest>[] {
  let task: MockTask;
  let worker: RunningWorker;
  let message_id: string;
  return [
    {
      name: 'it answers /healthz, and names its contract version and its agent',
      check: async ({ source }) => {
        worker = await source.start();
        const health = await healthy(worker);
        assert.equal(health.contract_version, CONTRACT_VERSION);
        assert.ok(health.agent.length > 0 && health.version.length > 0);
      },
    },
    {
      name: 'it boots empty: idle, and with no call to anyone',
      check: async () => {
        const status = WorkerStatus.parse((await get(worker, '/status')).body);
        assert.deepEqual([status.state, status.task_id, status.attempt, status.last_seq], ['idle', null, null, 0]);
        assert.deepEqual(worker.mock.calls, []);
      },
    },
    {
      name: 'with no task yet, messages and a cancel answer 409',
      check: async () => {
        const message = { id: newId(), text: 'x', at: new Date().toISOString() };
        isProblem(await post(worker, '/messages', { messages: [message] }), 409);
        isProblem(await post(worker, '/cancel', { reason: 'x' }), 409);
      },
    },
    {
      name: 'a body of the wrong form answers 400 with a problem document, another path 404',
      check: async ({ prompts }) => {
        const assignment = addTask(worker, prompts.short).assignment();
        for (const body of ['{', [], { ...assignment, token: 7 }, { ...assignment, branch: undefined }])
          isProblem(await post(worker, '/task', body), 400);
        assert.equal((await get(worker, '/no-such-path')).status, 404);
      },
    },
    {
      name: 'a contract version that it does not know answers 400, and it stays idle',
      check: async ({ prompts }) => {
        const assignment = addTask(worker, prompts.short).assignment();
        isProblem(await post(worker, '/task', { ...assignment, contract_version: 999 }), 400);
        assert.equal(WorkerStatus.parse((await get(worker, '/status')).body).state, 'idle');
      },
    },
    {
      name: 'it takes a task with 202; the same one again changes nothing, another one answers 409',
      check: async ({ prompts }) => {
        const { mock } = worker;
        // The first POST of events is stored, and its answer lost; more fail in several ways.
        mock.faults.add('events', { kind: 'lose' });
        for (const status of [503, 500]) mock.faults.add('events', { kind: 'fail', status });
        mock.faults.add('events', { kind: 'cut' });
        task = addTask(worker, prompts.short);
        message_id = task.say('Be brief.').id;
        const assignment = task.assignment();
        await hand(worker, task);
        assert.equal((await post(worker, '/task', assignment)).status, 202);
        isProblem(await post(worker, '/task', { ...assignment, attempt: 2 }), 409);
        isProblem(await post(worker, '/task', { ...assignment, task_id: newId() }), 409);
      },
    },
    {
      name: 'the status names the task, and the attempt',
      check: async () => {
        const reply = await get(worker, '/status').catch(() => undefined);
        // A worker that was quick has gone already.
        if (reply === undefined) return;
        const status = WorkerStatus.parse(reply.body);
        assert.deepEqual([status.task_id, status.attempt], [task.id, 1]);
      },
    },
    {
      name: 'a message that is pushed again changes nothing',
      check: async () => {
        const again = { messages: task.messages };
        for (let i = 0; i < 2; i++) {
          const reply = await post(worker, '/messages', again).catch(() => undefined);
          if (reply !== undefined) assert.equal(reply.status, 202);
        }
      },
    },
    {
      name: 'the task comes to a result, after every event, and nothing is called afterwards',
      check: async ({ work_ms }) => {
        await until('there is a result', () => task.current.result !== undefined, work_ms);
        assert.equal(task.current.result?.last_seq, task.events.length);
        assert.equal(task.current.calls.at(-1)?.name, 'result');
      },
    },
    {
      name: 'it exits with 0',
      check: async () => {
        if (worker.ended !== undefined) return assert.equal(await exitCode(worker, 10_000), 0);
        await until(
          'it no longer listens',
          () =>
            get(worker, '/healthz').then(
              () => false,
              () => true,
            ),
          10_000,
        );
      },
    },
    {
      name: 'events are numbered from 1 without a gap, agent.started first, in spite of lost answers and 503',
      check: async () => {
        inOrder(task);
        assert.equal(task.events[0]?.type, 'agent.started');
        assert.deepEqual(task.breaches, []);
      },
    },
    {
      name: 'it is heard from at least every heartbeat_ms',
      check: async () => {
        const { calls } = task.current;
        const gaps = calls.slice(1).map(({ at }, i) => at - (calls[i]?.at ?? at));
        assert.ok(
          Math.max(0, ...gaps) < HEARTBEAT_MS * 2 + 500,
          `it was silent for ${Math.round(Math.max(...gaps))} ms`,
        );
      },
    },
    {
      name: 'a message enters the conversation once, however often it came',
      check: async () => {
        const times = task.events.filter(
          (event) => event.type === 'input.added' && event.body.message_id === message_id,
        );
        assert.equal(times.length, 1);
      },
    },
    {
      name: 'what it pushed is on a branch of the task',
      check: async () => {
        const branch = task.current.result?.branch ?? null;
        if (branch !== null) assert.ok(branch.startsWith(task.base.branch_prefix), branch);
        const pushed = task.events.flatMap((event) => (event.type === 'branch.pushed' ? [event.body.branch] : []));
        if (branch !== null) assert.ok(pushed.includes(branch), 'a branch.pushed names it');
      },
    },
    {
      name: 'the token is in no event',
      check: async () => {
        for (const token of task.tokens.keys()) assert.ok(!JSON.stringify(task.events).includes(token));
      },
    },
  ];
}

/** What is seen only with a fresh worker for each. */
export const OTHER_LIVES: readonly Rule<WorkerUnderTest>[] = [
  {
    name: 'a cancel that is pushed ends it within the grace, with a result, and 0',
    check: async (context) => {
      const { worker, task } = await underWay(context);
      assert.equal((await post(worker, '/cancel', { reason: 'enough' })).status, 202);
      assert.equal(await exitCode(worker, LIMITS.cancel_push_ms), 0);
      assert.equal(task.current.result?.status, 'cancelled');
      assert.deepEqual(task.breaches, []);
    },
  },
  {
    name: 'what a later coordinator says besides is passed over, in the assignment, the replies and the pushes',
    check: async ({ source, prompts, work_ms }) => {
      const worker = await source.start();
      await healthy(worker);
      const task = addTask(worker, prompts.short);
      task.says_more = true;
      await hand(worker, task);
      const { id } = task.say('Be brief.');
      const messages = task.messages.map((message) => ({ ...message, said_by_a_later_version: true }));
      const reply = await post(worker, '/messages', { messages, said_by_a_later_version: true }).catch(() => undefined);
      if (reply !== undefined) assert.equal(reply.status, 202);
      assert.equal(await exitCode(worker, work_ms), 0);
      assert.ok(task.current.result, 'it came to no result');
      assert.ok(JSON.stringify(task.events).includes(id), 'the message was not taken in');
      assert.deepEqual(task.breaches, []);
    },
  },
  {
    name: 'a cancel that comes with a reply alone ends it too',
    check: async (context) => {
      const { worker, task } = await underWay(context);
      task.cancel('enough');
      assert.equal(await exitCode(worker, 20_000), 0);
      assert.equal(task.current.result?.status, 'cancelled');
    },
  },
  {
    name: 'SIGTERM ends it within ten seconds, with 143 and no result',
    check: async (context) => {
      const { worker, task } = await underWay(context);
      worker.signal('SIGTERM');
      assert.equal(await exitCode(worker, 10_500), 143);
      assert.equal(task.current.result, undefined);
      inOrder(task);
    },
  },
  {
    name: 'an attempt that was given up stops at once, pushes nothing, and does not exit with 0',
    check: async (context) => {
      const { worker, task } = await underWay(context);
      const pushes = () => worker.mock.calls.filter(({ path }) => path.endsWith('/git-receive-pack')).length;
      const before = pushes();
      task.nextAttempt();
      assert.notEqual(await exitCode(worker, 10_000), 0);
      assert.equal(pushes(), before, 'it pushed');
      assert.equal(task.attempts[0]?.result, undefined);
    },
  },
  {
    name: 'a token that expired is exchanged by a heartbeat, and the work goes on',
    check: async (context) => {
      const { worker, task } = await underWay(context);
      const before = task.current.heartbeats.length;
      task.expireTokens();
      await until('heartbeats go on', () => task.current.heartbeats.length > before + 1);
      task.cancel('enough');
      assert.equal(await exitCode(worker, 20_000), 0);
      assert.equal(task.current.result?.status, 'cancelled');
    },
  },
  {
    name: 'a coordinator that was away is found again, and nothing is lost',
    check: async (context) => {
      const { worker, task } = await underWay(context);
      await worker.mock.stop();
      await new Promise((resolve) => setTimeout(resolve, 2 * HEARTBEAT_MS));
      await worker.mock.start();
      task.cancel('enough');
      assert.equal(await exitCode(worker, 30_000), 0);
      assert.equal(task.current.result?.last_seq, task.events.length);
      inOrder(task);
    },
  },
  {
    name: 'a process that was killed goes on with the next number when it is started again on the same spool',
    check: async (context) => {
      const { worker, task } = await underWay(context);
      const known = task.events.length;
      worker.signal('SIGKILL');
      await worker.ended;
      task.base.prompt = context.prompts.short;
      task.say('Be brief.');
      worker.mock.faults.clear();
      const again = await worker.again();
      await healthy(again);
      await hand(again, task);
      assert.equal(await exitCode(again, context.work_ms), 0);
      assert.ok(task.events.length > known);
      inOrder(task);
      assert.deepEqual(task.breaches, []);
    },
  },
  {
    name: 'a worker that no call reaches fetches its assignment, and works by callbacks alone',
    check: async ({ source, prompts, work_ms }) => {
      const reserved = newId();
      const worker = await source.start({
        ERRAND_LISTEN: '',
        ERRAND_TASK_ID: reserved,
        ERRAND_TASK_TOKEN: `token-${reserved}-1-1`,
      });
      const task = addTask(worker, prompts.short, { task_id: reserved });
      task.say('Be brief.');
      assert.equal(await exitCode(worker, work_ms), 0);
      assert.ok(task.current.result, 'it came to no result');
      inOrder(task);
      assert.deepEqual(task.breaches, []);
    },
  },
];
