import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { shapeOf } from '../../../protocol/json-shape.ts';
import { parseJson } from '../../../coordinator/base/json-body.ts';
import { REQUEST } from '../../../coordinator/worker-api/model/policy.ts';
import { EVENTS, HEARTBEAT, RESULT } from '../../../coordinator/worker-api/read-callbacks.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { NAMED_TYPES } from '../../../protocol/named-types.ts';
import { parse } from '../../../protocol/problem.ts';
import { ROUTE_NAMES, ROUTES } from '../../../protocol/routes.ts';
import { EventsPost, Heartbeat, ResultPost } from '../../../protocol/worker-schemas.ts';
import { Random } from '../../support/random.ts';
import { mutateJson } from './mutate-json.ts';
import { sample, type JsonSchema } from './sample.ts';
import { attempt, mustHold, type ParserTarget } from './target.ts';

const SHAPE = shapeOf(LIMITS.callback_body_nodes_max);
const SEEDS_EACH = 12;
/** How many values are tried for them: most samples of a large schema break one of its further rules. */
const SAMPLES_EACH = 200;
/** Queries whose words are read into lists and flags: these are not written as they were. */
const READ_FROM_TEXT = new Set(['schema TasksQuery']);

/** Every schema of `protocol/`, by name: the types of bodies and frames, and the parameters of routes. */
function schemas(): [name: string, schema: z.ZodType][] {
  const ofRoutes = ROUTE_NAMES.flatMap((route) => {
    const { params, query, body } = ROUTES[route] as { params?: z.ZodType; query?: z.ZodType; body?: z.ZodType };
    return Object.entries({ params, query, body }).map(([part, schema]) => [`${route} ${part}`, schema] as const);
  });
  const seen = new Set<unknown>([undefined]);
  return [...NAMED_TYPES, ...ofRoutes].flatMap(([name, schema]) => {
    if (schema === undefined || seen.has(schema)) return [];
    seen.add(schema);
    return [[`schema ${name}`, schema]];
  });
}

/** Every schema, read as the server reads a body: its shape, its JSON, then its fields. */
export function schemaTargets(): ParserTarget[] {
  return schemas().map(([name, schema]) => ({
    name,
    seeds: seedsOf(schema),
    mutate: mutateJson,
    read: (input) => {
      const outcome = attempt(() => parse(schema, parseJson(input, SHAPE)));
      if ('refused' in outcome) return outcome.refused;
      if (!READ_FROM_TEXT.has(name)) requireStable(schema, outcome.value);
      return `accepted ${shapeWord(outcome.value)}`;
    },
  }));
}

/** What was accepted is accepted again once it was written, and means the same. */
function requireStable(schema: z.ZodType, value: unknown): void {
  const text = JSON.stringify(value);
  const again = parse(schema, parseJson(Buffer.from(text), SHAPE));
  mustHold(JSON.stringify(again) === text, 'a value that was accepted is the same after it was written and read');
  if (typeof value !== 'object' || value === null) return;
  mustHold(
    [Object.prototype, Array.prototype].includes(Object.getPrototypeOf(value)),
    'a value has no prototype of its own',
  );
}

/** The readers of bodies from a worker, with their further checks. */
export function bodyTargets(): ParserTarget[] {
  const model: JsonSchema = {
    type: 'object',
    required: ['model', 'max_tokens', 'messages'],
    properties: {
      model: { const: 'claude-model-1' },
      max_tokens: { type: 'integer', minimum: 1 },
      stream: { type: 'boolean' },
      system: { type: 'string' },
      messages: {
        type: 'array',
        minItems: 1,
        items: {
          type: 'object',
          required: ['role', 'content'],
          properties: { role: { const: 'user' }, content: { enum: MODEL_CONTENT } },
        },
      },
    },
  };
  const seedsFrom = (schema: JsonSchema) => samples((random) => sample(random, schema)).slice(0, SEEDS_EACH);
  return [
    bodyTarget('body of events', seedsOf(EventsPost), (input) => EVENTS.run(input)),
    bodyTarget('body of a heartbeat', seedsOf(Heartbeat), (input) => HEARTBEAT.run(input)),
    bodyTarget('body of a result', seedsOf(ResultPost), (input) => RESULT.run(input)),
    bodyTarget('body of a model request', seedsFrom(model), (input) => REQUEST.run(input)),
  ];
}

const MODEL_CONTENT = [
  'Hello',
  [{ type: 'text', text: 'Hello', cache_control: { type: 'ephemeral', ttl: '1h' } }],
  [{ type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAAB' } }],
  [{ type: 'document', source: { type: 'content', content: [{ type: 'text', text: 'x' }] } }],
  [{ type: 'tool_result', tool_use_id: 'a', content: [{ type: 'text', text: 'x' }] }],
];

function bodyTarget(name: string, seeds: Buffer[], run: (input: Buffer) => unknown): ParserTarget {
  const read = (input: Buffer) => {
    const outcome = attempt(() => run(input));
    if ('refused' in outcome) return outcome.refused;
    // The parser of the body is the same function of its bytes.
    mustHold(isDeepStrictEqual(run(input), outcome.value), 'a body means the same each time');
    return `accepted ${shapeWord(outcome.value)}`;
  };
  return { name, seeds, mutate: mutateJson, read };
}

function seedsOf(schema: z.ZodType): Buffer[] {
  const json = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
  const seeds = samples((random) => sample(random, json));
  const accepted = seeds.filter((seed) => schema.safeParse(JSON.parse(seed.toString())).success);
  return [...accepted, ...seeds].slice(0, SEEDS_EACH);
}

function samples(make: (random: Random) => unknown): Buffer[] {
  const random = new Random(1);
  return Array.from({ length: SAMPLES_EACH }, () => Buffer.from(JSON.stringify(make(random))));
}

/** The kinds of the first few fields of a value: values that differ in more have taken the same way. */
function shapeWord(value: unknown): string {
  if (typeof value !== 'object' || value === null) return typeof value;
  return Object.entries(value)
    .slice(0, 8)
    .map(
      ([key, inner]) =>
        (Array.isArray(value) ? '' : key.slice(0, 12)) + (inner === null ? 'null' : typeof inner).slice(0, 2),
    )
    .join(' ');
}
