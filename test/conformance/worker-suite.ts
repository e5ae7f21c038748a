import assert from 'node:assert/strict';
import { newId } from '../../protocol/ids.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { until } from '../support/until.ts';
import type { Rule } from './rule.ts';
import {
  addTask,
  exitCode,
  hand,
  healthy,
  HEARTBEAT_MS,
  inOrder,
  post,
  underWay,
  type WorkerUnderTest,
} from './worker-calls.ts';

/** Rules that need a new worker each. */
export const OTHER_LIVES: readonly Rule<WorkerUnderTest>[] = [
  {
    name: 'a pushed cancel ends it in time, with a result and exit code 0',
    check: async (context) => {
      const { worker, task } = await underWay(context);
      assert.equal((await post(worker, '/cancel', { reason: 'enough' })).status, 202);
      assert.equal(await exitCode(worker, LIMITS.cancel_push_ms), 0);
      assert.equal(task.current.result?.status, 'cancelled');
      assert.deepEqual(task.breaches, []);
    },
  },
  {
    name: 'it ignores unknown fields of a later coordinator in the assignment, the replies and the pushes',
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
    name: 'a cancel in a reply alone ends it too',
    check: async (context) => {
      const { worker, task } = await underWay(context);
      task.cancel('enough');
      assert.equal(await exitCode(worker, 20_000), 0);
      assert.equal(task.current.result?.status, 'cancelled');
    },
  },
  {
    name: 'SIGTERM ends it within ten seconds, with exit code 143 and no result',
    check: async (context) => {
      const { worker, task } = await underWay(context);
      worker.signal('SIGTERM');
      assert.equal(await exitCode(worker, 10_500), 143);
      assert.equal(task.current.result, undefined);
      inOrder(task);
    },
  },
  {
    name: 'after its attempt was given up it stops at once, pushes nothing, and does not exit with 0',
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
    name: 'it exchanges an expired token by a heartbeat, and continues',
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
    name: 'it finds a restarted coordinator again, and loses nothing',
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
    name: 'after a kill, a new process on the same spool continues with the next number',
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
    name: 'a worker that cannot be called fetches its assignment, and works by callbacks alone',
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
