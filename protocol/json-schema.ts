import { z } from 'zod';
import * as worker from './worker-schemas.ts';
import { LogEvent } from './events.ts';
import { Event, membersByValue, NAMED_TYPES, nameOf } from './named-types.ts';
import { WebhookBody } from './notifications.ts';
import { Problem } from './problem-document.ts';
import type { Route } from './route.ts';
import { ROUTE_NAMES, ROUTES } from './routes.ts';
import { ClientFrame, ServerFrame } from './socket.ts';

/* Generates the JSON Schema (draft 2020-12) of everything that crosses a wire, from the zod schemas. */

/** A JSON value of a generated document. */
export type Json = Record<string, unknown>;

const routes: Route[] = ROUTE_NAMES.map((name) => ROUTES[name]);

/** The bodies and frames that the coordinator reads. It is strict: it refuses a field that it does not know. */
const READ = [
  ...routes.map(({ body }) => body),
  ClientFrame,
  worker.EventsPost,
  worker.MessagesTake,
  worker.Heartbeat,
  worker.ResultPost,
].filter((schema) => schema !== undefined);

/** What others read, of the coordinator or of a worker. It may gain fields, so its types allow unknown ones. */
const WRITTEN = [
  ...routes.map(({ response }) => response),
  Problem,
  Event,
  LogEvent,
  ServerFrame,
  WebhookBody,
  worker.Assignment,
  worker.CallbackReply,
  worker.MessagesTaken,
  worker.MessagesPush,
  worker.CancelPush,
  worker.WorkerHealth,
  worker.WorkerStatus,
].filter((schema) => schema !== undefined);

const PREFIX = '#/$defs/';

/** The schemas of all named types, as zod makes them. */
const ALL = definitionsOfZod();

/** The schemas of the named types of bodies and frames, by name. They refer to each other as `#/$defs/<name>`. */
export const DEFINITIONS: Readonly<Record<string, Json>> = definitionsOnWire();

/** The document with all definitions, for generators and validators: `protocol/schemas.json`. */
export function schemaDocument(): Json {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Errand',
    description:
      'Everything that crosses a wire: the bodies of the public API (GET /openapi.json), the frames of the WebSocket ' +
      '(GET /asyncapi.json), the events of the log, and the calls between the coordinator and a worker ' +
      '(protocol/worker.ts). Use a type as schemas.json#/$defs/<name>.',
    $defs: DEFINITIONS,
  };
}

/** The schemas of these types and of all types that they refer to, for the `components` of another document. */
export function componentsOf(names: Iterable<string>): Json {
  const all = [...reachable(names, DEFINITIONS)].sort();
  return asComponents(Object.fromEntries(all.map((name) => [name, DEFINITIONS[name]])));
}

/** A reference to a named schema in the `components` of a document. */
export function refTo(schema: z.ZodType): Json {
  return { $ref: `#/components/schemas/${nameOf(schema)}` };
}

/** The schemas of the properties of a named object, for a document with `components`. */
export function propertiesOf(schema: z.ZodObject): Record<string, Json> {
  return asComponents(ALL[nameOf(schema)]?.['properties'] as Record<string, Json>);
}

/** Replaces the references to definitions by references to components. */
function asComponents<T extends Json>(value: T): T {
  return JSON.parse(JSON.stringify(value).replaceAll(`"${PREFIX}`, '"#/components/schemas/')) as T;
}

function definitionsOfZod(): Record<string, Json> {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of NAMED_TYPES) registry.add(schema, { id });
  const { schemas } = z.toJSONSchema(registry, { io: 'input', uri: (id) => PREFIX + id, override });
  return Object.fromEntries(
    Object.entries(schemas).map(([id, { $schema: _schema, $id: _id, ...schema }]): [string, Json] => [id, schema]),
  );
}

function definitionsOnWire(): Record<string, Json> {
  const written = reachable(WRITTEN.map(nameOf), ALL);
  const names = [...written.union(reachable(READ.map(nameOf), ALL))].sort();
  return Object.fromEntries(
    names.map((name) => {
      const schema = ALL[name] ?? {};
      return [name, written.has(name) ? opened(schema) : closedAtReferences(schema, written)];
    }),
  );
}

type Override = NonNullable<z.core.ToJSONSchemaParams['override']>;

/** Adds what zod leaves out: the formats of numbers, and the discriminators of unions. */
function override({ zodSchema, jsonSchema }: Parameters<Override>[0]): void {
  if (jsonSchema.type === 'integer') jsonSchema.format = fitsInt32(jsonSchema) ? 'int32' : 'int64';
  else if (jsonSchema.type === 'number') jsonSchema.format = 'double';
  // The format says all but that the time is in UTC.
  else if (jsonSchema.format === 'date-time') jsonSchema.pattern = 'Z$';
  // Every name is a string.
  else if (JSON.stringify(jsonSchema.propertyNames) === '{"type":"string"}') delete jsonSchema.propertyNames;
  else if (zodSchema instanceof z.ZodDiscriminatedUnion)
    jsonSchema['discriminator'] = {
      propertyName: zodSchema.def.discriminator,
      mapping: Object.fromEntries(membersByValue(zodSchema).map(([value, member]) => [value, PREFIX + nameOf(member)])),
    };
}

function fitsInt32({ minimum, exclusiveMinimum, maximum }: z.core.JSONSchema.BaseSchema): boolean {
  const least = minimum ?? (exclusiveMinimum as number | undefined) ?? -Infinity;
  return least >= -(2 ** 31) && (maximum ?? Infinity) < 2 ** 31;
}

/** The names of the types that these types refer to, directly or not, and of themselves. */
function reachable(names: Iterable<string>, definitions: Readonly<Record<string, Json>>): Set<string> {
  const found = new Set(names);
  for (const name of found)
    for (const [, next = ''] of JSON.stringify(definitions[name]).matchAll(/"\$ref":"#\/\$defs\/(\w+)"/g))
      found.add(next);
  return found;
}

/**
 * The schema without its bans of unknown fields. Where it has a row of the log, that is an `Event`, or a row of a type
 * that only a newer version knows.
 */
function opened(schema: Json): Json {
  const row = PREFIX + nameOf(LogEvent);
  return mapObjects(schema, ({ additionalProperties, ...rest }) => {
    if (rest['$ref'] === row) return { anyOf: [{ $ref: PREFIX + nameOf(Event) }, rest] };
    return additionalProperties === undefined || additionalProperties === false
      ? rest
      : { additionalProperties, ...rest };
  });
}

/**
 * The schema of a type that only the coordinator reads. Where it refers to a strict type that others read too, which is
 * therefore open, the reference bans unknown fields.
 */
function closedAtReferences(schema: Json, written: Set<string>): Json {
  return mapObjects(schema, (value) => {
    const name = typeof value['$ref'] === 'string' ? value['$ref'].slice(PREFIX.length) : undefined;
    const strict = name !== undefined && written.has(name) && ALL[name]?.['additionalProperties'] === false;
    return strict ? { ...value, unevaluatedProperties: false } : value;
  });
}

/** Replaces each object in a JSON value, the inner ones first. */
export function mapObjects(value: Json, replace: (value: Json) => Json): Json {
  const visit = (inner: unknown): unknown => {
    if (Array.isArray(inner)) return inner.map(visit);
    if (typeof inner !== 'object' || inner === null) return inner;
    return replace(Object.fromEntries(Object.entries(inner).map(([key, each]) => [key, visit(each)])));
  };
  return visit(value) as Json;
}
