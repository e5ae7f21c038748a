import assert from 'node:assert/strict';
import type { NumberedEvent } from '../../protocol/events.ts';
import type { MockTask } from '../support/mock-coordinator/task.ts';
import type { Rule } from './rule.ts';
import {
  addTask,
  endedAs,
  exits,
  hand,
  happens,
  healthy,
  inOrder,
  keptTheRules,
  NotChecked,
  reaches,
  type WorkerUnderTest,
} from './worker-calls.ts';

const PARK_AFTER_MS = 4_000;
/** Within this time a worker parks, if it does. */
const PARKS_WITHIN_MS = 10_000;
const EXIT_MS = 10_000;

type Asked = Extract<NumberedEvent, { type: 'question.asked' }>;

/** Needs the task in which the worker asks. */
export const QUESTION_RULE: Rule<WorkerUnderTest> = {
  name: 'a question waits for its answer, in the attempt or for the next one, which takes the answer and closes the question',
  check: async ({ source, prompts, work_ms }) => {
    let worker = await source.start();
    await healthy(worker);
    if (prompts.asks === null) throw new NotChecked('there is no task in which it asks');
    const task = addTask(worker, prompts.asks, { park_after_ms: PARK_AFTER_MS });
    await hand(worker, task);
    const { body } = await reaches(worker, 'it has asked, with question.asked', () => questions(task)[0], work_ms);
    if (await happens(() => task.current.result !== undefined, PARKS_WITHIN_MS)) {
      endedAs(task, 'parked');
      await exits(worker, 0, EXIT_MS);
      keptTheRules(task);
    }
    const is_known = task.current.waits.some((wait) => wait?.kind === 'person');
    assert.ok(is_known, 'while its question was open, no waiting_for said that it waits for a person');
    const { id } = task.say('Yes.');
    if (task.current.result !== undefined) {
      task.nextAttempt();
      worker = await worker.again();
      await healthy(worker);
      await hand(worker, task);
    }
    const isClosed = () =>
      task.events.some(
        (event) => event.type === 'question.closed' && event.body.ref === body.ref && event.body.answered,
      );
    const other = () => questions(task).find(({ body: { ref } }) => ref !== body.ref);
    const isOver = () => isClosed() || other() !== undefined || task.current.result !== undefined;
    await reaches(worker, `it has closed its question ${body.ref} after the answer`, isOver, work_ms);
    const another = other()?.body.ref;
    assert.ok(
      another === undefined,
      `it asked again with the ref ${another}, not ${body.ref}: that is another question`,
    );
    await exits(worker, 0, work_ms);
    keptTheRules(task);
    assert.ok(isClosed(), `no question.closed says that its question ${body.ref} was answered`);
    const times = task.events.filter((event) => event.type === 'input.added' && event.body.message_id === id).length;
    assert.ok(times === 1, `${times} input.added events name the answer ${id}`);
    inOrder(task);
  },
};

/** What the newest attempt has asked. */
const questions = ({ events }: MockTask) => events.filter((event): event is Asked => event.type === 'question.asked');
