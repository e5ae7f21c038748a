import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv, type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';
import { WEBHOOKS, type Operation, type Webhook } from './operations.ts';

type Schema = { [key: string]: unknown };
type Extract = {
  operations: Record<Operation, { request: Schema | null; responses: Record<string, Schema | null> }>;
  webhooks: Record<string, Schema>;
  definitions: Record<string, Schema>;
};
/** A JSON object. */
export type Json = { [key: string]: unknown };

const extract = JSON.parse(readFileSync(join(import.meta.dirname, 'github-api.json'), 'utf8')) as Extract;
const ajv = new Ajv({ strict: false, allErrors: true, logger: false, code: { optimize: false } });
addFormats.default(ajv);
const validators = new Map<object, ValidateFunction>();

/** What is wrong with the body of a request, by GitHub's description; undefined: nothing. */
export function requestFault(operation: Operation, body: unknown): string | undefined {
  const { request } = extract.operations[operation];
  return request === null ? undefined : faultOf(request, body ?? {});
}

/** What is wrong with an answer, by GitHub's description; undefined: nothing. */
export function answerFault(operation: Operation, status: number, body: unknown): string | undefined {
  const { responses } = extract.operations[operation];
  const schema = responses[status];
  // Any operation may fail in ways that are not described one by one: with a message.
  if (schema === undefined)
    return status >= 400 ? undefined : `${operation} has no answer ${status}, only ${Object.keys(responses).join()}`;
  return schema === null ? undefined : faultOf(schema, body);
}

/** What is wrong with a webhook's payload, by GitHub's description; undefined: nothing. */
export function webhookFault(webhook: Webhook, payload: unknown): string | undefined {
  return faultOf(extract.webhooks[WEBHOOKS[webhook]] ?? {}, payload);
}

/** The least that GitHub's schema of this name asks for, with these fields. */
export function fill(name: string, fields: Json): Json {
  return { ...(least({ $ref: `#/definitions/${name}` }) as Json), ...fields };
}

/** The least that a webhook's payload has, with these fields. */
export function fillWebhook(webhook: Webhook, fields: Json): Json {
  return merge(least(extract.webhooks[WEBHOOKS[webhook]] ?? {}) as Json, fields);
}

/** Fields of objects inside are merged too. */
export function merge(base: Json, over: Json): Json {
  const merged: Json = { ...base };
  for (const [key, value] of Object.entries(over))
    merged[key] = isObject(value) && isObject(base[key]) ? merge(base[key], value) : value;
  return merged;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function faultOf(schema: Schema, value: unknown): string | undefined {
  let validate = validators.get(schema);
  if (validate === undefined) {
    validate = ajv.compile({ ...schema, definitions: extract.definitions });
    validators.set(schema, validate);
  }
  return validate(value) ? undefined : ajv.errorsText(validate.errors, { dataVar: 'body' });
}

function least(schema: Schema): unknown {
  const ref = schema['$ref'] as string | undefined;
  if (ref !== undefined) return least(extract.definitions[ref.replace('#/definitions/', '')] ?? {});
  const choices = (schema['anyOf'] ?? schema['oneOf']) as Schema[] | undefined;
  const parts = schema['allOf'] as Schema[] | undefined;
  if (parts !== undefined) return Object.assign({}, ...parts.map(least)) as Json;
  const types = [schema['type'] ?? (schema['properties'] ? 'object' : undefined)].flat() as (string | undefined)[];
  if (types.includes('null')) return null;
  if (choices !== undefined && !schema['properties']) {
    const nothing = choices.some((choice) => choice['type'] === 'null');
    return nothing ? null : least(choices[0] ?? {});
  }
  const values = schema['enum'] as unknown[] | undefined;
  if (values !== undefined) return values[0];
  switch (types[0]) {
    case 'object':
      return leastObject(schema);
    case 'array':
      return Array.from({ length: (schema['minItems'] as number | undefined) ?? 0 }, () =>
        least((schema['items'] ?? {}) as Schema),
      );
    case 'string':
      return leastText(schema);
    case 'integer':
    case 'number':
      return schema['minimum'] ?? 0;
    case 'boolean':
      return false;
    default:
      return null;
  }
}

function leastObject(schema: Schema): Json {
  const properties = (schema['properties'] ?? {}) as Record<string, Schema>;
  const required = (schema['required'] ?? []) as string[];
  return Object.fromEntries(required.map((key) => [key, least(properties[key] ?? {})]));
}

function leastText(schema: Schema): string {
  switch (schema['format']) {
    case 'date-time':
      return '2026-01-01T00:00:00Z';
    case 'uri':
      return 'https://forge.example/';
    case 'email':
      return 'someone@forge.example';
    default:
      return 'x'.repeat((schema['minLength'] as number | undefined) ?? 0);
  }
}
