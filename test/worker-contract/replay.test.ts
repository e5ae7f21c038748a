import test from 'ava';
import { z } from 'zod';
import { NumberedEvent } from '../../protocol/events.ts';
import { realCoordinator } from '../conformance/real-coordinator.ts';
import { ended, eventsOf } from '../support/errand.ts';
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

for (const version of SERVED) {
  const recording = readRecording(version);

  for (const [name, calls] of recording)
    test.serial(
      `version ${version}: the coordinator takes all of an errand that ${name}, from a worker of then`,
      async (t) => {
        const { open, openSeveral, person } = await realCoordinator(t);
        const several = JSON.stringify(calls).includes('{other}');
        const { task_id, token, address, say, other } = several
          ? await openSeveral()
          : { ...(await open()), other: '' };
        const said: string[] = [];
        const sent: z.infer<typeof Body>[] = [];
        for (const { call, headers, body, answer } of calls) {
          const text = JSON.stringify(body);
          while (text.includes(`{message_${said.length + 1}}`)) said.push(await say('Into notes.txt, please.'));
          const named = said.reduce((all, id, i) => all.replaceAll(`{message_${i + 1}}`, id), text);
          const content = named.replaceAll('{task_id}', task_id).replaceAll('{other}', other);
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
