import assert from 'node:assert/strict';
import { newId } from '../../protocol/ids.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { CONTRACT_VERSION } from '../../protocol/worker.ts';
import type { MockTask } from '../support/mock-coordinator/task.ts';
import { until } from '../support/until.ts';
import type { Rule } from './rule.ts';
import { isAsItSays } from './worker-pushes.ts';
import { wantsToken } from './worker-token.ts';
import type { RunningWorker } from './worker-under-test.ts';
import {
  addTask,
  answers,
  exits,
  get,
  hand,
  healthy,
  inOrder,
  keptTheRules,
  post,
  readStatus,
  reaches,
  refuses,
  reported,
  statusOf,
  tellsNowhere,
  type WorkerUnderTest,
} from './worker-calls.ts';

/** What the rules about one worker share. */
class Life {
  worker!: RunningWorker;
  task!: MockTask;
  message_id!: string;
}

/** The life of one worker, from boot to exit. These rules are checked in order, on the same worker. */
export function oneLife(): readonly Rule<WorkerUnderTest>[] {
  const life = new Life();
  return [...beforeItsTask(life), ...atWork(life), ...ending(life), ...afterwards(life)];
}

function beforeItsTask(life: Life): Rule<WorkerUnderTest>[] {
  return [
    {
      name: 'it responds to /healthz with its contract version and its agent',
      check: async ({ source }) => {
        life.worker = await source.start();
        const health = await healthy(life.worker);
        const { agent, version, contract_version } = health;
        assert.ok(contract_version === CONTRACT_VERSION, `/healthz says contract_version ${contract_version}`);
        assert.ok(agent !== '' && version !== '', '/healthz has an empty agent or version');
      },
    },
    {
      name: 'it boots without a task: it is idle and makes no call',
      check: async () => {
        const status = await statusOf(life.worker);
        const given = JSON.stringify(status);
        const is_idle = status.state === 'idle' && status.task_id === null && status.attempt === null;
        assert.ok(is_idle && status.last_seq === 0, `before its task, /status says ${given}`);
        const calls = life.worker.mock.calls.map(({ path }) => path);
        assert.ok(calls.length === 0, `before its task it called ${calls.join(', ')}`);
      },
    },
    {
      name: 'before there is a task, messages and a cancel answer 409',
      check: async () => {
        const message = { id: newId(), text: 'x', at: new Date().toISOString() };
        const messages = await post(life.worker, '/messages', { messages: [message] });
        refuses('POST /messages before a task', messages, 409);
        refuses('POST /cancel before a task', await post(life.worker, '/cancel', { reason: 'x' }), 409);
      },
    },
    {
      name: 'a malformed body answers 400 with a problem document, another path 404',
      check: async ({ prompts }) => {
        const assignment = addTask(life.worker, prompts.short).assignment();
        for (const body of ['{', [], { ...assignment, token: 7 }, { ...assignment, branch: undefined }])
          refuses('a malformed assignment', await post(life.worker, '/task', body), 400);
        answers('GET /no-such-path', await get(life.worker, '/no-such-path'), 404);
      },
    },
    {
      name: 'a body above its limit answers 413',
      check: () => refusesLarge(life.worker),
    },
    {
      name: 'an unknown contract version answers 400, and it stays idle',
      check: async ({ prompts }) => {
        const assignment = addTask(life.worker, prompts.short).assignment();
        const reply = await post(life.worker, '/task', { ...assignment, contract_version: 999 });
        refuses('an assignment with contract_version 999', reply, 400);
        const { state } = await statusOf(life.worker);
        assert.ok(state === 'idle', `after that assignment its state is ${state}`);
      },
    },
  ];
}

async function refusesLarge(worker: RunningWorker): Promise<void> {
  const large = JSON.stringify({ reason: 'x'.repeat(LIMITS.request_body_bytes_max) });
  // It may hang up before it has read such a body.
  const reply = await post(worker, '/cancel', large).catch(() => undefined);
  if (reply !== undefined) answers('a cancel above request_body_bytes_max', reply, 413);
  await healthy(worker);
}

function atWork(life: Life): Rule<WorkerUnderTest>[] {
  return [
    {
      name: 'it accepts a task with 202; the same one again changes nothing, another one answers 409',
      check: async ({ prompts }) => {
        const { mock } = life.worker;
        // The first POST of events is stored, but its response is lost. Later ones fail in several ways.
        mock.faults.add('events', { kind: 'lose' });
        for (const status of [503, 500]) mock.faults.add('events', { kind: 'fail', status });
        mock.faults.add('events', { kind: 'cut' });
        life.task = addTask(life.worker, prompts.short);
        life.message_id = life.task.say('Be brief.').id;
        const assignment = life.task.assignment();
        await hand(life.worker, life.task);
        const again = (more: object) => post(life.worker, '/task', { ...assignment, ...more });
        answers('the same assignment again', await again({}), 202);
        refuses('an assignment of another attempt', await again({ attempt: 2 }), 409);
        refuses('an assignment of another task', await again({ task_id: newId() }), 409);
      },
    },
    {
      name: 'the status names the task and the attempt',
      check: async () => {
        hasTask(life.worker);
        const reply = await get(life.worker, '/status').catch(() => undefined);
        // A fast worker has exited already.
        if (reply === undefined) return;
        const { task_id, attempt } = readStatus(reply);
        const is_right = task_id === life.task.id && attempt === 1;
        assert.ok(is_right, `/status says task ${task_id}, attempt ${attempt}; it should be ${life.task.id}, 1`);
      },
    },
    {
      name: 'on a socket it wants no token; over TCP each call but /healthz needs the task token',
      check: async () => {
        hasTask(life.worker);
        await wantsToken(life.worker);
      },
    },
    {
      name: 'a message that is pushed again changes nothing',
      check: async () => {
        hasTask(life.worker);
        const again = { messages: life.task.messages };
        for (let i = 0; i < 2; i++) {
          const reply = await post(life.worker, '/messages', again).catch(() => undefined);
          if (reply !== undefined) answers('POST /messages', reply, 202);
        }
      },
    },
  ];
}

/** Requires that it took its task. It may have ended since. */
function hasTask({ handed }: RunningWorker): void {
  assert.ok(handed, 'it took no task');
}

/** Whether it still answers. */
const listens = (worker: RunningWorker) =>
  get(worker, '/healthz').then(
    () => true,
    () => false,
  );

function ending(life: Life): Rule<WorkerUnderTest>[] {
  return [
    {
      name: 'it posts the result after every event',
      check: async ({ work_ms }) => {
        const has_result = () => life.task.current.result !== undefined;
        await reaches(life.worker, 'it has posted its result', has_result, work_ms);
        const [last_seq, count] = [life.task.current.result?.last_seq, life.task.events.length];
        assert.ok(last_seq === count, `the last_seq of the result is ${last_seq}, after ${count} events`);
      },
    },
    {
      name: 'it exits with 0',
      check: async () => {
        if (life.worker.ended !== undefined) return exits(life.worker, 0, 10_000);
        await until('it no longer listens', async () => !(await listens(life.worker)), 10_000);
      },
    },
  ];
}

function afterwards(life: Life): Rule<WorkerUnderTest>[] {
  return [
    {
      name: 'events are numbered from 1 without a gap, agent.started first, despite lost responses and 503',
      check: async () => {
        reported(life.task);
        inOrder(life.task);
        const first = life.task.events[0]?.type;
        assert.ok(first === 'agent.started', `its first event was ${first}`);
      },
    },
    {
      name: 'a message enters the conversation once, however often it was sent',
      check: async () => {
        const times = life.task.events.filter(
          (event) => event.type === 'input.added' && event.body.message_id === life.message_id,
        );
        assert.ok(times.length === 1, `${times.length} input.added events name the message ${life.message_id}`);
      },
    },
    {
      name: 'what it pushed is on a branch of the task, as its result says',
      check: async ({ source }) => isAsItSays(source, life.task),
    },
    {
      name: 'a success has a repository.ready in the same attempt',
      check: async () => {
        const is_ready = life.task.events.some(({ type }) => type === 'repository.ready');
        const { result } = life.task.current;
        assert.ok(result, 'it posted no result');
        assert.ok(
          is_ready || result.status !== 'succeeded',
          'its result was succeeded, but it reported no repository.ready',
        );
      },
    },
    {
      name: 'no event, no delta and no result has the task token',
      check: async () => tellsNoToken(life.task),
    },
    {
      name: 'one POST of events at a time; nothing follows the result',
      check: async () => {
        reported(life.task);
        keptTheRules(life.task);
      },
    },
  ];
}

function tellsNoToken(task: MockTask): void {
  reported(task);
  for (const token of task.tokens.keys()) tellsNowhere(task, token, 'the task token');
}
