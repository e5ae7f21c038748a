import test from 'ava';
import { CoordinatorEvent } from '../../protocol/coordinator-events.ts';
import { openapiDocument } from '../../protocol/openapi.ts';
import { Attempt, RunnerName } from '../../protocol/task.ts';

test('an attempt and its event accept an unknown runner name', (t) => {
  const attempt = {
    n: 1,
    status: 'running',
    reason: null,
    detail: null,
    runner: 'kubernetes-2',
    worker: 'errand-1',
    warm: false,
    started_at: '2026-01-01T00:00:00.000Z',
    ended_at: null,
  };
  t.is(Attempt.parse(attempt).runner, 'kubernetes-2');
  const event = { type: 'attempt.started', body: { runner: 'kubernetes-2', worker: 'errand-1', warm: false } };
  t.deepEqual(CoordinatorEvent.parse(event), event);
});

test('a runner name is 1 to 32 lower-case letters, digits and dashes, and begins with a letter', (t) => {
  for (const name of ['d', 'docker', 'x'.repeat(32)]) t.true(RunnerName.safeParse(name).success, name);
  for (const name of ['', 'x'.repeat(33), 'Docker', '2nd', '-a', 'a b', 'a\n', 'a/b'])
    t.false(RunnerName.safeParse(name).success, JSON.stringify(name));
});

test('the OpenAPI document has the pattern of a runner name instead of a closed list', (t) => {
  const { components } = openapiDocument() as {
    components: { schemas: { Attempt: { properties: { runner: object } } } };
  };
  t.deepEqual(components.schemas.Attempt.properties.runner, {
    type: 'string',
    pattern: '^[a-z][a-z0-9-]{0,31}$',
  });
});
