import test from 'ava';
import { readFile } from 'node:fs/promises';
import { CoordinatorEvent } from '../../protocol/coordinator-events.ts';
import { NumberedEvent } from '../../protocol/events.ts';
import { DEFINITIONS } from '../../protocol/json-schema.ts';
import { NAMED_TYPES } from '../../protocol/named-types.ts';
import { Random } from '../support/random.ts';
import { RandomInstance } from '../support/random-instance.ts';
import { wireFault } from '../support/wire-schemas.ts';
import { readRecording } from '../worker-contract/recorded.ts';

/** What the coordinator reads from workers and sockets. */
const STRICT = ['EventsPost', 'Heartbeat', 'ResultPost', 'ClientFrame', 'NumberedEvent'];
/** Their rules need more than a schema can say, such as that an e-mail address is one. */
const BEYOND_SCHEMAS = [
  'Signup',
  'Login',
  'PasswordChange',
  'PasswordReset',
  'AccountDelete',
  'TaskCreate',
  'RepositoryChoice',
  'FurtherRepositories',
  'ScheduleCreate',
  'SchedulePatch',
];

const NAMES = Object.keys(DEFINITIONS);
const accepts = (name: string, value: unknown) => NAMED_TYPES.get(name)?.safeParse(value).success;
const instances = (seed: number) => new RandomInstance(new Random(seed), DEFINITIONS);

test('what the schema allows, the server accepts: 50 random values of each type', (t) => {
  const random = instances(1);
  for (const name of NAMES.filter((each) => !BEYOND_SCHEMAS.includes(each)))
    for (let n = 0; n < 50; n++) {
      const value = random.of(name);
      t.is(wireFault(name, value), null);
      if (!accepts(name, value)) t.fail(`${name}: ${JSON.stringify(value)}`);
    }
});

test('the schema of a post or frame allows exactly what the server accepts: 10,000 broken values', (t) => {
  const random = instances(2);
  const verdicts = { accepted: 0, refused: 0 };
  for (let n = 0; n < 10_000; n++) {
    const name = STRICT[n % STRICT.length] ?? '';
    const value = random.broken(random.of(name));
    const accepted = accepts(name, value) === true;
    const fault = wireFault(name, value);
    verdicts[accepted ? 'accepted' : 'refused']++;
    if (accepted !== (fault === null))
      t.fail(`accepted: ${accepted}, ${fault}: ${JSON.stringify(value).slice(0, 1000)}`);
  }
  t.true(verdicts.accepted > 500 && verdicts.refused > 5000, JSON.stringify(verdicts));
});

test('the schema of any type refuses nothing that the server accepts or sends', (t) => {
  const random = instances(3);
  let accepted = 0;
  for (const name of NAMES)
    for (let n = 0; n < 50; n++) {
      const value = random.broken(random.of(name));
      if (!accepts(name, value)) continue;
      accepted++;
      t.is(wireFault(name, value), null, JSON.stringify(value).slice(0, 1000));
    }
  t.true(accepted > 500, String(accepted));
});

test('what others read may gain fields, what the coordinator reads may not', (t) => {
  const event = {
    seq: 1,
    at: '2026-01-31T12:00:00.000Z',
    type: 'question.closed',
    body: { ref: 'q1', answered: true },
  };
  const row = { ...event, id: 1, task_id: '01m82pqrzqs0mha2mpj9', attempt: 1 };
  const newer = { ...event.body, of_a_newer_version: 1 };
  t.is(wireFault('NumberedEvent', event), null);
  t.is(wireFault('Event', row), null);
  t.is(wireFault('Event', { ...row, body: newer, of_a_newer_version: 1 }), null);
  t.not(wireFault('NumberedEvent', { ...event, body: newer }), null);
  t.not(wireFault('NumberedEvent', { ...event, of_a_newer_version: 1 }), null);
  const newer_row = { ...row, type: 'of.a_newer_version' };
  t.is(wireFault('EventPage', { items: [row, newer_row], next_cursor: null }), null);
  t.not(wireFault('Event', newer_row), null);
});

test('everything that recorded workers sent and got is valid', (t) => {
  const types = {
    assignment: { answer: 'Assignment' },
    events: { body: 'EventsPost', answer: 'CallbackReply' },
    heartbeat: { body: 'Heartbeat', answer: 'CallbackReply' },
    result: { body: 'ResultPost', answer: 'CallbackReply' },
  };
  const calls = [...readRecording(1).values()].flat();
  t.true(calls.length > 50);
  for (const call of calls) {
    const filled = JSON.parse(
      JSON.stringify(call)
        .replaceAll(/\{(?:task_id|message_\d+)\}/g, '01m82pqrzqs0mha2mpj9')
        .replaceAll('{other}', 'docs'),
    ) as typeof call;
    const type: { body?: string; answer: string } = types[call.call];
    if (type.body !== undefined) t.is(wireFault(type.body, filled.body), null);
    t.is(wireFault(type.answer, filled.answer), null);
  }
});

test('each member of a union is a named type, found by the discriminator', (t) => {
  const unions = Object.entries(DEFINITIONS).filter(([, { oneOf }]) => oneOf !== undefined);
  t.deepEqual(
    unions.map(([name]) => name),
    ['ChannelCreate', 'ClientFrame', 'Event', 'NumberedEvent', 'ServerFrame', 'WaitingFor', 'WorkerWait'],
  );
  for (const [name, schema] of unions) {
    const { oneOf, discriminator } = schema as {
      oneOf: { $ref: string }[];
      discriminator: { propertyName: string; mapping: Record<string, string> };
    };
    t.deepEqual(
      Object.values(discriminator.mapping),
      oneOf.map(({ $ref }) => $ref),
      name,
    );
    for (const [value, ref] of Object.entries(discriminator.mapping)) {
      const { properties } = DEFINITIONS[ref.slice('#/$defs/'.length)] as { properties: Record<string, object> };
      t.like(properties[discriminator.propertyName], { const: value }, ref);
    }
  }
  const { discriminator } = DEFINITIONS['Event'] as { discriminator: { mapping: object } };
  const events = [...NumberedEvent.options, ...CoordinatorEvent.options].map(({ shape }) => shape.type.value);
  t.deepEqual(Object.keys(discriminator.mapping), events);
});

test('each body that the worker contract names is a named type', async (t) => {
  const contract = await readFile(new URL('../../protocol/worker.ts', import.meta.url), 'utf8');
  const calls = contract.matchAll(/^ \* {3}(?:GET|POST) .*$/gm).toArray();
  const named = calls.flatMap(([line]) => line.matchAll(/`([A-Z]\w+)`/g).toArray());
  t.true(named.length > 10);
  t.deepEqual(
    named.flatMap(([, name = '']) => (name in DEFINITIONS ? [] : [name])),
    [],
  );
});

test('each reference leads to a type, and each number has a format', (t) => {
  const visit = (schema: unknown): void => {
    if (typeof schema !== 'object' || schema === null) return;
    const { $ref, type, format } = schema as Record<string, unknown>;
    if (typeof $ref === 'string') t.true($ref.slice('#/$defs/'.length) in DEFINITIONS, $ref);
    const types = [type].flat();
    if (types.includes('integer')) t.true(format === 'int32' || format === 'int64');
    if (types.includes('number')) t.is(format, 'double');
    Object.values(schema).forEach(visit);
  };
  visit(DEFINITIONS);
});
