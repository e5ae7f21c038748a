import type { Random } from '../../support/random.ts';

/** The part of JSON Schema that zod writes. */
export type JsonSchema = {
  $ref?: string;
  $defs?: Record<string, JsonSchema>;
  const?: unknown;
  enum?: unknown[];
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  allOf?: JsonSchema[];
  type?: string | string[];
  properties?: Record<string, JsonSchema>;
  required?: string[];
  additionalProperties?: JsonSchema | boolean;
  items?: JsonSchema;
  minItems?: number;
  pattern?: string;
  format?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  exclusiveMinimum?: number;
  maximum?: number;
};

/** Texts of every form that a pattern in `protocol/` asks for. */
const TEXTS = [
  'a text',
  '01j00000000000000000',
  '2026-01-02T03:04:05.678Z',
  '2026-01-02',
  '0123456789abcdef0123456789abcdef01234567',
  'k'.repeat(87),
  'k'.repeat(22),
  'c'.repeat(64),
  'a long password',
  'main',
  'A_NAME',
  'someone@mail.example',
  'https://forge.example/a/b.git',
  'host.example',
  'claude-model-1',
  '12',
  'errand/a',
  '0 3 * * 1-5',
  'Europe/Berlin',
  'UTC',
];
const DEPTH_MAX = 12;

/** A value that fits the schema, as far as the schema tells. The same seed gives the same value. */
export function sample(random: Random, schema: JsonSchema, root: JsonSchema = schema, depth = 0): unknown {
  if (schema.$ref !== undefined)
    return depth > DEPTH_MAX ? null : sample(random, resolve(schema.$ref, root), root, depth + 1);
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return random.pick(schema.enum);
  const among = schema.oneOf ?? schema.anyOf;
  if (among) return sample(random, random.pick(among), root, depth + 1);
  const [first] = schema.allOf ?? [];
  if (first) return sample(random, { ...schema, ...first }, root, depth + 1);
  const { type } = schema;
  switch (Array.isArray(type) ? random.pick(type) : type) {
    case 'object':
      return sampleObject(random, schema, root, depth);
    case 'array': {
      const length = Math.max(schema.minItems ?? 0, random.pick([0, 1, 1, 2]));
      return Array.from({ length }, () => sample(random, schema.items ?? {}, root, depth + 1));
    }
    case 'string':
      return sampleText(random, schema);
    case 'integer':
    case 'number':
      return sampleNumber(random, schema);
    case 'boolean':
      return random.next() < 0.5;
    case 'null':
      return null;
    default:
      return random.pick(['text', 1, true, null, { a: [1] }]);
  }
}

function resolve(ref: string, root: JsonSchema): JsonSchema {
  return ref === '#' ? root : (root.$defs?.[ref.replace('#/$defs/', '')] ?? {});
}

function sampleObject(random: Random, schema: JsonSchema, root: JsonSchema, depth: number): Record<string, unknown> {
  const entries = Object.entries(schema.properties ?? {})
    .filter(([name]) => schema.required?.includes(name) || random.next() < 0.5)
    .map(([name, inner]): [string, unknown] => [name, sample(random, inner, root, depth + 1)]);
  const more = schema.additionalProperties;
  if (typeof more === 'object' && random.next() < 0.7) entries.push(['A_NAME', sample(random, more, root, depth + 1)]);
  return Object.fromEntries(entries);
}

function sampleText(random: Random, { pattern, format, minLength = 0, maxLength }: JsonSchema): string {
  if (format === 'uri') return 'https://forge.example/a/b';
  const fitting = pattern === undefined ? TEXTS : TEXTS.filter((text) => new RegExp(pattern, 'u').test(text));
  const long_enough = fitting.filter((text) => text.length >= minLength && text.length <= (maxLength ?? 1_000));
  return long_enough.length > 0 ? random.pick(long_enough) : 'x'.repeat(Math.max(1, minLength));
}

function sampleNumber(random: Random, { minimum, exclusiveMinimum, maximum = 2 ** 31 }: JsonSchema): number {
  const least = minimum ?? (exclusiveMinimum === undefined ? 0 : Math.floor(exclusiveMinimum) + 1);
  return Math.min(maximum, Math.max(-1_000, least) + random.pick([0, 1, 7]));
}
