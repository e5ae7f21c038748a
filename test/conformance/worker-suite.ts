import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { newId } from '../../protocol/ids.ts';
import { LIMITS } from '../../protocol/limits.ts';
import type { MockTask } from '../support/mock-coordinator/task.ts';
import type { Rule } from './rule.ts';
import {
  addTask,
  answers,
  endedAs,
  exitCode,
  exits,
  hand,
  healthy,
  HEARTBEAT_MS,
  inOrder,
  keptTheRules,
  longTask,
  post,
  reaches,
  restartKilled,
  uncalled,
  underWay,
  type Prompts,
  type WorkerUnderTest,
} from './worker-calls.ts';
import { COMMAND_RULES } from './worker-commands.ts';
import { QUESTION_RULE } from './worker-questions.ts';
import { REPORT_RULES, SPOOL_RULE } from './worker-reports.ts';
import { MESSAGE_RULES } from './worker-messages.ts';
import { isAsItSays, PUSH_RULES } from './worker-pushes.ts';
import { RETRY_RULES } from './worker-retries.ts';
import { TOKEN_RULE } from './worker-token.ts';
import type { RunningWorker } from './worker-under-test.ts';

const FILE = 'written-by-the-suite.txt';

/** All rules that need a new worker each. */
export function otherLives({ noisy, asks }: Prompts): readonly Rule<WorkerUnderTest>[] {
  return [
    ...INTERRUPTIONS,
    ...COMMAND_RULES,
    ...REPORT_RULES,
    ...RETRY_RULES,
    ...MESSAGE_RULES,
    ...PUSH_RULES,
    TOKEN_RULE,
    REPOSITORIES_RULE,
    ...(asks === null ? [] : [QUESTION_RULE]),
    ...(noisy === null ? [] : [SPOOL_RULE]),
  ];
}

/** Leaves a file in a clone, as work in progress. Returns its text. */
async function leaveWork({ workspace_dir = '' }: RunningWorker, folder = 'repo'): Promise<string> {
  const text = newId();
  await writeFile(join(workspace_dir, folder, FILE), text);
  return text;
}

/** Requires that the file is on a branch of the task. */
async function isPushed({ source }: WorkerUnderTest, task: MockTask, text: string): Promise<void> {
  const pushed = await source.pushed(task.base.branch_prefix, FILE);
  assert.ok(pushed.includes(text), `${FILE}, which was in the clone, is on no branch ${task.base.branch_prefix}…`);
}

const INTERRUPTIONS: readonly Rule<WorkerUnderTest>[] = [
  {
    name: 'a pushed cancel ends it in time: it pushes its work, posts a result and exits with 0',
    check: async (context) => {
      const { worker, task } = await underWay(context);
      const text = await leaveWork(worker);
      answers('POST /cancel', await post(worker, '/cancel', { reason: 'enough' }), 202);
      await exits(worker, 0, LIMITS.cancel_push_ms);
      endedAs(task, 'cancelled');
      await isPushed(context, task, text);
      await isAsItSays(context.source, task);
      keptTheRules(task);
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
      if (reply !== undefined) answers('POST /messages', reply, 202);
      await exits(worker, 0, work_ms);
      assert.ok(task.current.result, 'it came to no result');
      assert.ok(JSON.stringify(task.events).includes(id), 'the message was not taken in');
      keptTheRules(task);
    },
  },
  {
    name: 'a cancel in a reply alone ends it too',
    check: async (context) => {
      const { worker, task } = await underWay(context);
      task.cancel('enough');
      await exits(worker, 0, 20_000);
      endedAs(task, 'cancelled');
    },
  },
  {
    name: 'SIGTERM ends it within ten seconds: it pushes its work, and exits with 143 and no result',
    check: async (context) => {
      const { worker, task } = await underWay(context);
      const text = await leaveWork(worker);
      worker.signal('SIGTERM');
      await exits(worker, 143, 10_500);
      assert.ok(task.current.result === undefined, `it posted the result ${task.current.result?.status}`);
      await isPushed(context, task, text);
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
      assert.notEqual(await exitCode(worker, 10_000), 0, 'it exited with 0');
      assert.ok(pushes() === before, 'it pushed');
      assert.ok(task.attempts[0]?.result === undefined, 'it posted a result');
    },
  },
  {
    name: 'it exchanges an expired token by a heartbeat, and continues',
    check: async (context) => {
      const { worker, task } = await underWay(context);
      const before = task.current.heartbeats.length;
      task.tokens.expire();
      await reaches(worker, 'heartbeats go on', () => task.current.heartbeats.length > before + 1, 60_000);
      task.cancel('enough');
      await exits(worker, 0, 20_000);
      endedAs(task, 'cancelled');
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
      await exits(worker, 0, 30_000);
      const [last_seq, count] = [task.current.result?.last_seq, task.events.length];
      assert.ok(last_seq === count, `the last_seq of its result is ${last_seq}, after ${count} events`);
      inOrder(task);
    },
  },
  {
    name: 'after a kill, a new process on the same spool continues with the next number',
    check: async (context) => {
      const { worker, task } = await underWay(context);
      const known = task.events.length;
      await restartKilled(context, worker, task);
      assert.ok(task.events.length > known, 'it reported nothing more');
      inOrder(task);
      keptTheRules(task);
    },
  },
  {
    name: 'a worker that cannot be called fetches its assignment, and works by callbacks alone',
    check: async (context) => {
      const task = await uncalled(context);
      assert.ok(task.current.result, 'it came to no result');
      inOrder(task);
      keptTheRules(task);
    },
  },
];

/** How long it may take from the first clone to the next. */
const CLONE_MS = 15_000;

const REPOSITORIES_RULE: Rule<WorkerUnderTest> = {
  name: 'of several repositories it clones and pushes each; or it says that it knows one, and stops when that is refused',
  check: async (context) => {
    const { source, work_ms } = context;
    const prompt = longTask(context);
    const worker = await source.start();
    await healthy(worker);
    worker.mock.faults.add('llm', { kind: 'hang' }, 1000);
    const { key } = worker.other;
    const task = addTask(worker, prompt, { repositories: [worker.other] });
    await hand(worker, task);
    const isReady = (of?: string) =>
      task.events.some(({ type, body }) => type === 'repository.ready' && body.repository === of);
    const isGivenUp = () => task.attempt > 1;
    await reaches(worker, 'it has cloned, or was given up', () => isGivenUp() || isReady(), work_ms);
    const hasBoth = () => isGivenUp() || isReady(key);
    await reaches(worker, `it has reported a repository.ready for the repository ${key}`, hasBoth, CLONE_MS);
    if (isGivenUp()) {
      assert.notEqual(await exitCode(worker, 10_000), 0, 'it exited with 0');
      return;
    }
    const text = await leaveWork(worker, key);
    task.cancel('enough');
    await exits(worker, 0, LIMITS.cancel_push_ms);
    endedAs(task, 'cancelled');
    const pushed = await source.pushed(task.base.branch_prefix, FILE, true);
    assert.ok(pushed.includes(text), `${FILE}, which was in the clone of ${key}, is on no branch there`);
    const reported = task.current.result?.repositories?.find((each) => each.key === key);
    assert.ok(reported?.commit, `its result names no commit for the repository ${key}`);
    keptTheRules(task);
  },
};
