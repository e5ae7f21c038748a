import assert from 'node:assert/strict';
import { newId } from '../../protocol/ids.ts';
import { CONTRACT_VERSION } from '../../protocol/worker.ts';
import { WorkerStatus } from '../../protocol/worker-schemas.ts';
import type { MockTask } from '../support/mock-coordinator/task.ts';
import { until } from '../support/until.ts';
import type { Rule } from './rule.ts';
import type { RunningWorker } from './worker-under-test.ts';
import {
  addTask,
  exitCode,
  get,
  hand,
  healthy,
  HEARTBEAT_MS,
  inOrder,
  isProblem,
  post,
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
        assert.equal(health.contract_version, CONTRACT_VERSION);
        assert.ok(health.agent.length > 0 && health.version.length > 0);
      },
    },
    {
      name: 'it boots without a task: it is idle and makes no call',
      check: async () => {
        const status = WorkerStatus.parse((await get(life.worker, '/status')).body);
        assert.deepEqual([status.state, status.task_id, status.attempt, status.last_seq], ['idle', null, null, 0]);
        assert.deepEqual(life.worker.mock.calls, []);
      },
    },
    {
      name: 'before there is a task, messages and a cancel answer 409',
      check: async () => {
        const message = { id: newId(), text: 'x', at: new Date().toISOString() };
        isProblem(await post(life.worker, '/messages', { messages: [message] }), 409);
        isProblem(await post(life.worker, '/cancel', { reason: 'x' }), 409);
      },
    },
    {
      name: 'a malformed body answers 400 with a problem document, another path 404',
      check: async ({ prompts }) => {
        const assignment = addTask(life.worker, prompts.short).assignment();
        for (const body of ['{', [], { ...assignment, token: 7 }, { ...assignment, branch: undefined }])
          isProblem(await post(life.worker, '/task', body), 400);
        assert.equal((await get(life.worker, '/no-such-path')).status, 404);
      },
    },
    {
      name: 'an unknown contract version answers 400, and it stays idle',
      check: async ({ prompts }) => {
        const assignment = addTask(life.worker, prompts.short).assignment();
        isProblem(await post(life.worker, '/task', { ...assignment, contract_version: 999 }), 400);
        assert.equal(WorkerStatus.parse((await get(life.worker, '/status')).body).state, 'idle');
      },
    },
  ];
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
        assert.equal((await post(life.worker, '/task', assignment)).status, 202);
        isProblem(await post(life.worker, '/task', { ...assignment, attempt: 2 }), 409);
        isProblem(await post(life.worker, '/task', { ...assignment, task_id: newId() }), 409);
      },
    },
    {
      name: 'the status names the task and the attempt',
      check: async () => {
        const reply = await get(life.worker, '/status').catch(() => undefined);
        // A fast worker has exited already.
        if (reply === undefined) return;
        const status = WorkerStatus.parse(reply.body);
        assert.deepEqual([status.task_id, status.attempt], [life.task.id, 1]);
      },
    },
    {
      name: 'a message that is pushed again changes nothing',
      check: async () => {
        const again = { messages: life.task.messages };
        for (let i = 0; i < 2; i++) {
          const reply = await post(life.worker, '/messages', again).catch(() => undefined);
          if (reply !== undefined) assert.equal(reply.status, 202);
        }
      },
    },
  ];
}

function ending(life: Life): Rule<WorkerUnderTest>[] {
  return [
    {
      name: 'it posts the result after every event, and makes no call afterwards',
      check: async ({ work_ms }) => {
        await until('there is a result', () => life.task.current.result !== undefined, work_ms);
        assert.equal(life.task.current.result?.last_seq, life.task.events.length);
        assert.equal(life.task.current.calls.at(-1)?.name, 'result');
      },
    },
    {
      name: 'it exits with 0',
      check: async () => {
        if (life.worker.ended !== undefined) return assert.equal(await exitCode(life.worker, 10_000), 0);
        await until(
          'it no longer listens',
          () =>
            get(life.worker, '/healthz').then(
              () => false,
              () => true,
            ),
          10_000,
        );
      },
    },
  ];
}

function afterwards(life: Life): Rule<WorkerUnderTest>[] {
  return [
    {
      name: 'events are numbered from 1 without a gap, agent.started first, despite lost responses and 503',
      check: async () => {
        inOrder(life.task);
        assert.equal(life.task.events[0]?.type, 'agent.started');
        assert.deepEqual(life.task.breaches, []);
      },
    },
    {
      name: 'it calls at least every heartbeat_ms',
      check: async () => {
        const { calls } = life.task.current;
        const gaps = calls.slice(1).map(({ at }, i) => at - (calls[i]?.at ?? at));
        assert.ok(
          Math.max(0, ...gaps) < HEARTBEAT_MS * 2 + 500,
          `it was silent for ${Math.round(Math.max(...gaps))} ms`,
        );
      },
    },
    {
      name: 'a message enters the conversation once, however often it was sent',
      check: async () => {
        const times = life.task.events.filter(
          (event) => event.type === 'input.added' && event.body.message_id === life.message_id,
        );
        assert.equal(times.length, 1);
      },
    },
    {
      name: 'what it pushed is on a branch of the task',
      check: async () => {
        const branch = life.task.current.result?.branch ?? null;
        if (branch !== null) assert.ok(branch.startsWith(life.task.base.branch_prefix), branch);
        const pushed = life.task.events.flatMap((event) => (event.type === 'branch.pushed' ? [event.body.branch] : []));
        if (branch !== null) assert.ok(pushed.includes(branch), 'a branch.pushed names it');
      },
    },
    {
      name: 'no event has the token',
      check: async () => {
        for (const token of life.task.tokens.keys()) assert.ok(!JSON.stringify(life.task.events).includes(token));
      },
    },
  ];
}
