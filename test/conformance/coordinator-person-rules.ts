import { newId } from '../../protocol/ids.ts';
import { Assignment, MessagesTaken } from '../../protocol/worker-schemas.ts';
import {
  answered,
  AT,
  brings,
  call,
  events,
  heartbeat,
  refused,
  result,
  started,
  took,
  type CoordinatorUnderTest,
} from './coordinator-calls.ts';
import type { Rule } from './rule.ts';

/** The rules about what a worker and its person say to each other. */
export const PERSON_RULES: readonly Rule<CoordinatorUnderTest>[] = [
  {
    name: 'a message that the worker takes comes as it is, again on a repeat, and not once it was heard; an unknown one is left out',
    check: async ({ open }) => {
      const task = await open();
      took(await events(task, [{ ...started, body: { ...started.body, takes_messages: true } }]), 1);
      const id = await task.say('Use tabs.');
      for (let times = 1; times <= 2; times++) {
        const reply = await call(task, 'messages', { attempt: task.attempt, ids: [newId(), id] });
        brings(reply, answered(reply, MessagesTaken, 'MessagesTaken').messages, { id, text: 'Use tabs.' });
      }
      const body = { turn: 0, source: 'person', message_id: id, text: 'Use tabs.' };
      took(await events(task, [{ seq: 2, at: AT, type: 'input.added', body }]), 2);
      const after = await call(task, 'messages', { attempt: task.attempt, ids: [id] });
      brings(after, answered(after, MessagesTaken, 'MessagesTaken').messages);
      refused(await call(task, 'messages', { attempt: task.attempt, ids: [] }), 'invalid');
    },
  },
  {
    name: 'an attachment that the task does not have: 404',
    check: async ({ open }) => {
      const task = await open();
      took(await events(task, [started]), 1);
      refused(await call(task, `attachments/${newId()}`), 'not_found');
    },
  },
  {
    name: 'a question may have 2 to 8 options; others are refused, and the error names the event',
    check: async ({ open }) => {
      const task = await open();
      const asked = (options: unknown) => ({
        seq: 2,
        at: AT,
        type: 'question.asked',
        body: { ref: 'q', question: '?', options },
      });
      for (const options of [['a'], Array.from({ length: 9 }, String), ['a', ''], ['a', 'b'.repeat(201)]])
        refused(await events(task, [started, asked(options)]), 'invalid');
      took(await events(task, [started, asked(['a', 'b'])]), 2);
    },
  },
  {
    name: 'an assignment with park_after_ms: a result with the status parked is taken, and nothing after it',
    check: async ({ open }) => {
      const task = await open();
      const { park_after_ms } = answered(await call(task, 'assignment'), Assignment, 'Assignment');
      if (park_after_ms === undefined) return;
      took(
        await events(task, [started, { seq: 2, at: AT, type: 'question.asked', body: { ref: 'q', question: '?' } }]),
        2,
      );
      took(await result(task, 2, { status: 'parked' }), 2);
      refused(await heartbeat(task, 2), 'attempt_ended');
    },
  },
];
