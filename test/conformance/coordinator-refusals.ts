import { LIMITS } from '../../protocol/limits.ts';
import type { Rule } from './rule.ts';
import {
  AT,
  call,
  events,
  log,
  refused,
  result,
  started,
  took,
  wants,
  type CoordinatorUnderTest,
  type OpenTask,
  type Reply,
} from './coordinator-calls.ts';

/** Requires a refusal that names this field. */
function names(reply: Reply, code: 'invalid' | 'too_large', field: string): void {
  const { errors = [] } = refused(reply, code);
  wants(
    reply,
    errors.some((error) => error.field === field),
    `${code} with errors that name ${field}`,
  );
}

const pushed = (seq: number, branch: string) => ({
  seq,
  at: AT,
  type: 'branch.pushed',
  body: { branch, commit: 'a'.repeat(40), wip: false, diff_stat: { files: 0, insertions: 0, deletions: 0 } },
});

async function opened(open: CoordinatorUnderTest['open']): Promise<OpenTask> {
  const task = await open();
  took(await events(task, [started]), 1);
  return task;
}

/** Rules about what a coordinator refuses though each of its fields is valid. */
export const REFUSAL_RULES: readonly Rule<CoordinatorUnderTest>[] = [
  {
    name: 'a gap inside one POST of events: 400 that names the event',
    check: async ({ open }) => {
      const task = await opened(open);
      names(await events(task, [log(2), log(4)]), 'invalid', '/events/1/seq');
    },
  },
  {
    name: 'an event that is too large: 413 that names it',
    check: async ({ open }) => {
      const task = await opened(open);
      const large = { seq: 2, at: AT, type: 'custom', body: { name: 'x', data: 'x'.repeat(LIMITS.event_bytes_max) } };
      names(await events(task, [large]), 'too_large', '/events/0');
    },
  },
  {
    name: 'an attempt that is not that of the token: 400 that names it',
    check: async ({ open }) => {
      const task = await opened(open);
      const attempt = task.attempt + 1;
      names(await events(task, [log(2)], { attempt }), 'invalid', '/attempt');
      names(await call(task, 'heartbeat', { attempt, last_seq: 1, waiting_for: null }), 'invalid', '/attempt');
      names(await result(task, 1, { attempt }), 'invalid', '/attempt');
    },
  },
  {
    name: 'a push to a branch that is not of the task: 400 that names it',
    check: async ({ open }) => {
      const task = await opened(open);
      names(await events(task, [log(2), pushed(3, 'main')]), 'invalid', '/events/1/body/branch');
      names(await result(task, 1, { branch: 'main' }), 'invalid', '/branch');
    },
  },
  {
    name: 'a message that a worker adds without the messages call, though it says takes_messages: 400 that names it',
    check: async ({ open }) => {
      const task = await open();
      took(await events(task, [{ ...started, body: { ...started.body, takes_messages: true } }]), 1);
      const message_id = await task.say('Use tabs.');
      const body = { turn: 0, source: 'person', message_id, text: 'Use tabs.' };
      const added = { seq: 2, at: AT, type: 'input.added', body };
      names(await events(task, [added]), 'invalid', '/events/0/body/message_id');
      const reply = await call(task, 'messages', { attempt: task.attempt, ids: [message_id] });
      wants(reply, reply.status === 200, '200');
      took(await events(task, [added]), 2);
    },
  },
  {
    name: 'a result with a reason and success, or with too few events: 400; with too long a diff: 413',
    check: async ({ open }) => {
      const task = await opened(open);
      names(await result(task, 1, { reason: 'agent_error' }), 'invalid', '/reason');
      names(await result(task, 1, { status: 'failed' }), 'invalid', '/reason');
      names(await result(task, 1, { diff: 'x'.repeat(LIMITS.diff_bytes_max + 1) }), 'too_large', '/diff');
      names(await result(task, 0), 'invalid', '/last_seq');
      took(await result(task, 1), 1);
    },
  },
];
