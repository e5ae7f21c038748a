import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { z } from 'zod';
import { NumberedEvent } from '../../protocol/events.ts';
import type { OpenTask } from '../conformance/coordinator-calls.ts';
import { realCoordinator } from '../conformance/real-coordinator.ts';
import { ended, eventsOf } from '../support/errand.ts';
import { temporaryFolder } from '../support/folder.ts';
import { git } from '../support/git-server.ts';
import { readRecording } from './recorded.ts';

/**
 * The contract versions that today's coordinator supports. Delete a recording only when its version is no longer
 * supported.
 */
const SERVED = [1];

/** The event types that a worker of each version may send. The coordinator must accept them for ever. */
const TYPES: Record<number, string> = {
  1:
    'agent.started step.started repository.ready setup.finished conversation.started turn.started turn.finished turn.retried ' +
    'tool.started tool.finished input.added context.reduced plan.updated question.asked question.closed limit.near ' +
    'verify.finished branch.pushed log custom',
};

/** The fields of a body that this test uses. It must not use today's schemas, which are what it tests. */
const Body = z.looseObject({
  events: z.array(z.looseObject({ type: z.string() })).optional(),
  status: z.string().optional(),
  reason: z.string().nullish(),
});
const Pushed = z.object({
  type: z.literal('branch.pushed'),
  body: z.object({ branch: z.string(), commit: z.string(), repository: z.string().optional() }),
});
const Cancelling = z.object({ control: z.object({ cancel: z.object({ reason: z.string() }) }) });

for (const version of SERVED) {
  const recording = readRecording(version);

  for (const [name, calls] of recording)
    test.serial(
      `version ${version}: the coordinator takes all of an errand that ${name}, from a worker of then`,
      async (t) => {
        const { open, openSeveral, person } = await realCoordinator(t);
        const several = JSON.stringify(calls).includes('{other}');
        const opened = several ? await openSeveral() : { ...(await open()), other: '' };
        const { task_id, token, address, say, cancel, other } = opened;
        const named = new Map([
          ['{task_id}', task_id],
          ['{other}', other],
        ]);
        const fill = (text: string) => [...named].reduce((all, [from, to]) => all.replaceAll(from, to), text);
        const sent: z.infer<typeof Body>[] = [];
        let is_cancelled = false;
        for (const { call, headers, body, answer } of calls) {
          const text = JSON.stringify(body);
          for (const [message] of text.matchAll(/\{message_\d+\}/g))
            if (!named.has(message)) named.set(message, await say('Into notes.txt, please.'));
          for (const pushed of pushesOf(JSON.parse(fill(text))))
            named.set(pushed.commit, await push(t, opened, pushed));
          if (!is_cancelled && Cancelling.safeParse(answer).success) {
            await cancel();
            is_cancelled = true;
          }
          const content = fill(text);
          const response = await fetch(`${address.origin}/internal/tasks/${task_id}/${call}`, {
            headers: { ...headers, authorization: `Bearer ${token}`, 'content-type': 'application/json' },
            ...(call !== 'assignment' && { method: 'POST', body: content }),
          });
          const got = await response.text();
          t.is(response.status, 200, `${call}: ${got}`);
          t.deepEqual(lacking(JSON.parse(got), answer), [], `the answer to ${call} lacks what a worker of then reads`);
          if (call !== 'assignment') sent.push(Body.parse(JSON.parse(content)));
        }
        const task = await ended(person, task_id);
        t.deepEqual([task.status, task.reason], [sent.at(-1)?.status, sent.at(-1)?.reason]);
        const log = (await eventsOf(person, task_id)).filter(({ seq }) => seq !== null);
        t.deepEqual<unknown, unknown>(
          log.map(({ seq, at, type, body }) => ({ seq, at, type, body })),
          sent.flatMap(({ events = [] }) => events),
        );
      },
    );

  test(`version ${version}: the recording has every type of event, and the coordinator knows them all`, (t) => {
    const posts = [...recording.values()].flat().filter(({ call }) => call === 'events');
    const recorded = new Set(posts.flatMap(({ body }) => (Body.parse(body).events ?? []).map(({ type }) => type)));
    const types = (TYPES[version] ?? '').split(' ');
    t.deepEqual([...recorded].sort(), types.toSorted());
    const known: string[] = NumberedEvent.options.map((option) => option.shape.type.value);
    for (const type of types) t.true(known.includes(type), type);
  });
}

/** The pushes that the events of a call name. */
function pushesOf(body: unknown): z.infer<typeof Pushed>['body'][] {
  const { events = [] } = Body.nullable().parse(body) ?? {};
  return events.flatMap((event) => Pushed.safeParse(event).data?.body ?? []);
}

/**
 * Pushes a new commit where the worker of then pushed its own, which has a parent that this repository lacks. Resolves
 * with its id.
 */
async function push(
  t: ExecutionContext,
  { address, task_id, token }: OpenTask,
  { branch, repository }: z.infer<typeof Pushed>['body'],
): Promise<string> {
  const url = `${address.origin}/internal/tasks/${task_id}/git${repository === undefined ? '' : `/${repository}`}`;
  const folder = await temporaryFolder(t);
  const clone = join(folder, 'clone');
  const authorized = ['-c', `http.extraHeader=Authorization: Bearer ${token}`];
  await git(folder, ...authorized, 'clone', '--quiet', url, clone);
  await git(clone, 'commit', '--quiet', '--allow-empty', '--message=Work');
  await git(clone, ...authorized, 'push', '--quiet', 'origin', `HEAD:refs/heads/${branch}`);
  return git(clone, 'rev-parse', 'HEAD');
}

/**
 * The paths of values in the recorded response that today's response lacks or has with another type. A null matches
 * any type.
 */
function lacking(now: unknown, then: unknown, path = ''): string[] {
  if (now === null || then === null) return [];
  if (typeof now !== typeof then || Array.isArray(now) !== Array.isArray(then)) return [path];
  // The items of a list differ between errands.
  if (typeof then !== 'object' || typeof now !== 'object' || Array.isArray(then)) return [];
  const fields = new Map(Object.entries(now));
  return Object.entries(then).flatMap(([key, value]) =>
    fields.has(key) ? lacking(fields.get(key), value, `${path}/${key}`) : [`${path}/${key}`],
  );
}
