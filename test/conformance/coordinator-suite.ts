import { newId } from '../../protocol/ids.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { CONTRACT_VERSION } from '../../protocol/worker.ts';
import { Assignment } from '../../protocol/worker-schemas.ts';
import { PERSON_RULES } from './coordinator-person-rules.ts';
import { REFUSAL_RULES } from './coordinator-refusals.ts';
import type { Rule } from './rule.ts';
import {
  answered,
  AT,
  brings,
  call,
  events,
  heartbeat,
  log,
  missing,
  refused,
  result,
  started,
  took,
  tookWith,
  tookWithCancel,
  wants,
  type CoordinatorUnderTest,
} from './coordinator-calls.ts';

/** All rules of the contract for the coordinator. */
export const COORDINATOR_RULES: readonly Rule<CoordinatorUnderTest>[] = [
  {
    name: 'the assignment can be fetched with the task token',
    check: async ({ open }) => {
      const task = await open();
      const reply = await call(task, 'assignment');
      const { task_id, attempt, branch, branch_prefix } = answered(reply, Assignment, 'Assignment');
      wants(reply, task_id === task.task_id, `200 with the task_id ${task.task_id}`);
      wants(reply, attempt === task.attempt, `200 with the attempt ${task.attempt}`);
      wants(reply, branch.startsWith(branch_prefix), '200 with a branch that begins with the branch_prefix');
    },
  },
  {
    name: 'a token that is missing, malformed or of another task: 401',
    check: async ({ open }) => {
      const [task, other] = [await open(), await open()];
      for (const token of [null, '', 'nonsense', other.token])
        for (const name of ['events', 'heartbeat', 'result'])
          refused(await call(task, name, {}, { token }), 'unauthenticated');
      refused(await call(task, 'assignment', undefined, { token: other.token }), 'unauthenticated');
    },
  },
  {
    name: 'an unknown path: 404; an unknown task: 401 or 404',
    check: async ({ open }) => {
      const task = await open();
      refused(await call(task, 'nothing', {}), 'not_found');
      refused(await call(task, 'events', {}, { task_id: newId() }), 'unauthenticated', 'not_found');
    },
  },
  {
    name: 'a worker with an unsupported contract version: 403 with the reason; with a supported version, or none given: accepted',
    check: async ({ open }) => {
      const task = await open();
      for (const version of [0, CONTRACT_VERSION + 1]) {
        const reply = await heartbeat(task, 0, { version });
        const { detail = '' } = refused(reply, 'forbidden');
        const names_both = new RegExp(`version ${version} .* version ${CONTRACT_VERSION}: `).test(detail);
        wants(reply, names_both, `403 with a detail that names the versions ${version} and ${CONTRACT_VERSION}`);
        refused(await call(task, 'assignment', undefined, { version }), 'forbidden');
      }
      took(await heartbeat(task, 0, { version: CONTRACT_VERSION }), 0);
      took(await heartbeat(task, 0), 0);
    },
  },
  {
    name: 'events are acknowledged up to the newest',
    check: async ({ open }) => {
      const task = await open();
      took(await events(task, [started]), 1);
      took(await events(task, [log(2), log(3)]), 3);
    },
  },
  {
    name: 'a repeat changes nothing, even with new events after it',
    check: async ({ open }) => {
      const task = await open();
      took(await events(task, [started, log(2)]), 2);
      took(await events(task, [started, log(2)]), 2);
      took(await events(task, [log(2), log(3)]), 3);
    },
  },
  {
    name: 'a gap: 409 events_missing, with the number that comes next, and nothing is stored',
    check: async ({ open }) => {
      const task = await open();
      missing(await events(task, [log(2)]), 1);
      took(await events(task, [started]), 1);
      missing(await events(task, [log(5), log(6)]), 2);
      took(await heartbeat(task, 1), 1);
    },
  },
  {
    name: 'a stored number with different content: 409 event_conflict',
    check: async ({ open }) => {
      const task = await open();
      took(await events(task, [started, log(2)]), 2);
      refused(await events(task, [log(2, 'something else')]), 'event_conflict');
      took(await heartbeat(task, 2), 2);
    },
  },
  {
    name: 'a malformed event: 400 that names it, and nothing of the POST is stored',
    check: async ({ open }) => {
      const task = await open();
      took(await events(task, [started]), 1);
      const wrong = { ...log(3), body: { level: 'loud', text: 1 } };
      const reply = await events(task, [log(2), wrong]);
      const { errors = [] } = refused(reply, 'invalid');
      const names_it = errors.some(({ field }) => field.startsWith('/events/1'));
      wants(reply, names_it, '400 with errors that name /events/1');
      took(await heartbeat(task, 1), 1);
      for (const body of [{ ...log(2), extra: 1 }, { ...log(2), type: 'no.such' }, { ...log(2), at: 'now' }, null])
        refused(await events(task, [body]), 'invalid');
    },
  },
  {
    name: 'a body that is not JSON, or is malformed: 400; one that is too large: 413',
    check: async ({ open }) => {
      const task = await open();
      refused(await call(task, 'events', '{'), 'invalid');
      refused(await events(task, [], { more: true }), 'invalid');
      refused(await call(task, 'heartbeat', { attempt: task.attempt }), 'invalid');
      const large = log(1, 'x'.repeat(LIMITS.callback_body_bytes_max));
      refused(await events(task, [large]), 'too_large');
    },
  },
  {
    name: 'more events or deltas in one POST than the contract allows: 400',
    check: async ({ open }) => {
      const task = await open();
      const many = Array.from({ length: LIMITS.events_per_post_max + 1 }, (_, i) => log(i + 1));
      refused(await events(task, many), 'invalid');
      const deltas = Array.from({ length: LIMITS.deltas_per_post_max + 1 }, () => ({
        ref: 'r',
        kind: 'text',
        text: 'x',
      }));
      refused(await events(task, [], { deltas }), 'invalid');
    },
  },
  {
    name: 'a POST may have only deltas, or only waiting_for',
    check: async ({ open }) => {
      const task = await open();
      took(await events(task, [started]), 1);
      took(await events(task, [], { deltas: [{ ref: 'r', kind: 'text', text: 'x' }] }), 1);
      took(await events(task, [], { waiting_for: { kind: 'model', since: AT } }), 1);
      took(await events(task, [], { waiting_for: null }), 1);
    },
  },
  {
    name: 'the reply to a heartbeat has the number of the newest stored event',
    check: async ({ open }) => {
      const task = await open();
      took(await heartbeat(task, 0), 0);
      took(await events(task, [started]), 1);
      tookWith(await heartbeat(task, 7), 1);
    },
  },
  {
    name: 'every reply has a pending message until an input.added that names it was acknowledged',
    check: async ({ open }) => {
      const task = await open();
      took(await events(task, [started]), 1);
      const id = await task.say('Use tabs.');
      const message = { id, text: 'Use tabs.' };
      tookWith(await heartbeat(task, 1), 1, message);
      tookWith(await events(task, [log(2)]), 2, message);
      const fetched = await call(task, 'assignment');
      brings(fetched, answered(fetched, Assignment, 'Assignment').messages, message);
      const added = {
        seq: 3,
        at: AT,
        type: 'input.added',
        body: { turn: 0, source: 'person', message_id: id, text: 'Use tabs.' },
      };
      tookWith(await events(task, [added]), 3);
      tookWith(await heartbeat(task, 3), 3);
    },
  },
  {
    name: 'every reply has a pending cancel',
    check: async ({ open }) => {
      const task = await open();
      took(await events(task, [started]), 1);
      await task.cancel();
      tookWithCancel(await heartbeat(task, 1), 1);
      tookWithCancel(await events(task, [log(2)]), 2);
    },
  },
  {
    name: 'a result before its events: 409 events_missing',
    check: async ({ open }) => {
      const task = await open();
      took(await events(task, [started]), 1);
      missing(await result(task, 3), 2);
      took(await events(task, [log(2), log(3)]), 3);
      took(await result(task, 3), 3);
    },
  },
  {
    name: 'after the result every callback is refused, and a repeat of the result changes nothing',
    check: async ({ open }) => {
      const task = await open();
      took(await events(task, [started]), 1);
      took(await result(task, 1), 1);
      const again = await result(task, 1);
      if (again.status !== 200) refused(again, 'attempt_ended');
      refused(await events(task, [log(2)]), 'attempt_ended');
      refused(await heartbeat(task, 1), 'attempt_ended');
    },
  },
  {
    name: 'every call of an attempt that was given up is refused',
    check: async ({ open }) => {
      const task = await open();
      took(await events(task, [started]), 1);
      await task.giveUp();
      refused(await events(task, [log(2)]), 'stale_attempt');
      refused(await heartbeat(task, 1), 'stale_attempt');
      refused(await result(task, 1), 'stale_attempt');
      for (const path of ['git/info/refs?service=git-upload-pack', 'llm/v1/messages']) {
        const reply = await call(task, path, path.startsWith('llm') ? {} : undefined);
        wants(reply, reply.status >= 400, 'a refusal');
      }
    },
  },
  {
    name: 'git is asked for the token, and gets the repository with it',
    check: async ({ open }) => {
      const task = await open();
      const path = 'git/info/refs?service=git-upload-pack';
      const without = await call(task, path, undefined, { token: null });
      wants(without, [401, 403].includes(without.status), '401 or 403: it has no token');
      const reply = await call(task, path);
      const has_refs = reply.status === 200 && /# service=git-upload-pack/.test(String(reply.body));
      wants(reply, has_refs, '200 with the refs of the repository');
    },
  },
  {
    name: 'a task with several repositories: each is assigned and has its own git address; a worker that knows one is given up',
    check: async ({ openSeveral }) => {
      const task = await openSeveral();
      const reply = await call(task, 'assignment');
      const { repositories = [] } = answered(reply, Assignment, 'Assignment');
      const keys = repositories.map(({ key }) => key).join();
      wants(reply, keys === task.other, `200 with one further repository, whose key is ${task.other}`);
      for (const [key, is_there] of [
        ['', true],
        [`/${task.other}`, true],
        ['/unknown', false],
        ['/unknown/deep', false],
      ]) {
        const refs = await call(task, `git${key}/info/refs?service=git-upload-pack`);
        wants(refs, is_there ? refs.status === 200 : refs.status >= 400, is_there ? '200' : 'a refusal');
      }
      refused(await events(task, [started, log(2)]), 'stale_attempt');
      refused(await heartbeat(task, 1), 'stale_attempt', 'attempt_ended');

      const aware = await openSeveral();
      const body = { ...started.body, takes_repositories: true };
      took(await events(aware, [{ ...started, body }, log(2)]), 2);
    },
  },
  {
    name: 'a burst of 10,000 events is stored in order, without duplicates',
    check: async ({ open }) => {
      const task = await open();
      const all = [started, ...Array.from({ length: 9_999 }, (_, i) => log(i + 2, 'x'.repeat(300)))];
      for (let i = 0; i < all.length; i += LIMITS.events_per_post_max) {
        const batch = all.slice(i, i + LIMITS.events_per_post_max);
        took(await events(task, batch), i + batch.length);
      }
      took(await result(task, 10_000), 10_000);
    },
  },
  ...REFUSAL_RULES,
  ...PERSON_RULES,
];
