import { z } from 'zod';
import * as accounts from './accounts.ts';
import * as api from './api.ts';
import * as audit from './audit.ts';
import * as tokens from './tokens.ts';
import { CoordinatorEvent, LogEvent, NumberedEvent } from './events.ts';
import { LIMITS } from './limits.ts';
import type { ErrorCode } from './problem.ts';
import { ERROR_STATUS, Problem } from './problem-document.ts';
import type { Route } from './route.ts';
import { ROUTE_NAMES, ROUTES } from './routes.ts';
import { ClientFrame, ServerFrame } from './socket.ts';
import { Attempt, Task, TaskDetail } from './task.ts';

/*
 * Generates the OpenAPI 3.1 document of the public API and the JSON Schema of the log's events, both from the zod
 * schemas.
 */

type Json = Record<string, unknown>;

/** The schemas of responses, by their names in the document. */
const RESPONSES: Record<string, z.ZodType> = {
  Problem,
  User: accounts.User,
  Session: accounts.Session,
  SessionPage: accounts.SessionPage,
  PasswordResetDone: accounts.PasswordResetDone,
  WsTicket: accounts.WsTicket,
  TokenInfo: tokens.TokenInfo,
  TokenCreated: tokens.TokenCreated,
  TokenPage: tokens.TokenPage,
  AuditPage: audit.AuditPage,
  KeysRotated: audit.KeysRotated,
  Project: api.Project,
  ProjectSaved: api.ProjectSaved,
  ProjectPage: api.ProjectPage,
  Attempt,
  Task,
  TaskDetail,
  TaskPage: api.TaskPage,
  LogEvent,
  EventPage: api.EventPage,
  MessageReceived: api.MessageReceived,
  Diff: api.Diff,
  Health: api.Health,
  Readiness: api.Readiness,
  ServerFrame,
};

/** The schemas of requests, by their names in the document. */
const REQUESTS: Record<string, z.ZodType> = {
  Signup: accounts.Signup,
  Login: accounts.Login,
  Refresh: accounts.Refresh,
  AccountDelete: accounts.AccountDelete,
  PasswordChange: accounts.PasswordChange,
  PasswordReset: accounts.PasswordReset,
  TokenCreate: tokens.TokenCreate,
  ProjectCreate: api.ProjectCreate,
  ProjectPatch: api.ProjectPatch,
  TaskCreate: api.TaskCreate,
  MessageCreate: api.MessageCreate,
  TaskRetry: api.TaskRetry,
  ClientFrame,
};

/** The error codes of every route. */
const COMMON: ErrorCode[] = ['invalid', 'forbidden', 'too_large', 'unsupported_media_type', 'internal'];

const ref = (name: string): Json => ({ $ref: `#/components/schemas/${name}` });

/** Makes the OpenAPI 3.1 document of all routes. */
export function openapiDocument(): Json {
  const paths: Record<string, Json> = {};
  for (const name of ROUTE_NAMES) {
    const route: Route = ROUTES[name];
    const path = route.path.replace(/:(\w+)/g, '{$1}');
    (paths[path] ??= {})[route.method] = operation(name, route);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Errand',
      version: '1',
      description:
        'Errors are problem documents (RFC 9457). The socket, WS /ws/{user_id}, accepts ClientFrame and sends ServerFrame; ' +
        '/components/schemas/Event has the bodies of its events. An id that is malformed, unknown or of another user gets a 404.',
    },
    paths,
    components: {
      headers: { Epoch: EPOCH },
      securitySchemes: {
        user: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
        operator: { type: 'http', scheme: 'bearer' },
      },
      schemas: { ...components(RESPONSES, 'output'), ...components(REQUESTS, 'input'), Event: eventSchema() },
    },
  };
}

/** Makes the JSON Schema of one row of the log, with the body of each event type that this version knows. */
export function eventSchema(): Json {
  const options = [...NumberedEvent.options, ...CoordinatorEvent.options];
  return {
    description: 'One row of the log. Ignore types and fields that are not listed here: a newer version may add some.',
    oneOf: options.map(({ shape: { type, body }, description = '' }) =>
      schemaOf(LogEvent.extend({ type, body }).describe(description), 'output'),
    ),
  };
}

function operation(name: string, route: Route): Json {
  const errors = new Set<ErrorCode>([...COMMON, ...route.errors]);
  if (route.auth !== 'none') errors.add('unauthenticated');
  return {
    operationId: name,
    summary: route.summary,
    ...(route.description !== undefined && { description: route.description }),
    // For API tokens. Without one the route needs a person who has logged in.
    ...(route.scope !== undefined && { 'x-token-scope': route.scope }),
    security: route.auth === 'none' ? [] : [{ [route.auth]: [] }],
    parameters: [
      ...parameters('path', route.params),
      ...parameters('query', route.query),
      ...(route.idempotent ? [IDEMPOTENCY_KEY] : []),
    ],
    ...(route.body && {
      requestBody: {
        required: !route.body.isOptional(),
        content: { 'application/json': { schema: refTo(route.body) } },
      },
    }),
    responses: withEpoch(route, { [route.status]: success(route), ...problems(errors) }),
  };
}

const EPOCH = {
  description:
    'The epoch of the database. A new epoch means that it was restored from a backup: cursors are void, and clients start again from ' +
    'GET /tasks.',
  schema: { type: 'string' },
};

/** Adds the epoch header to the responses of a route for logged-in clients. */
function withEpoch(route: Route, responses: Record<string, Json>): Json {
  if (route.auth === 'none') return responses;
  const headers = { [api.EPOCH_HEADER]: { $ref: '#/components/headers/Epoch' } };
  return Object.fromEntries(
    Object.entries(responses).map(([status, response]) => [
      status,
      status === '401' ? response : { headers, ...response },
    ]),
  );
}

const IDEMPOTENCY_KEY = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description:
    `A repeat with the same key and request acts once and gets the same response, for ${LIMITS.idempotency_key_s / 86_400} days, or until ` +
    `${LIMITS.idempotency_keys_per_user_max} newer keys were used. A refused request may be retried with the same key.`,
  schema: { type: 'string', minLength: 1, maxLength: LIMITS.idempotency_key_chars_max },
};

function parameters(place: 'path' | 'query', schema: z.ZodObject | undefined): Json[] {
  if (!schema) return [];
  return Object.entries(schema.shape).map(([name, field]) => ({
    name,
    in: place,
    required: place === 'path',
    schema: schemaOf(field, 'input'),
  }));
}

function success(route: Route): Json {
  if (route.status === 204) return { description: 'Done.' };
  const { media_type } = route;
  if (media_type !== undefined)
    return { description: route.summary, content: { [media_type]: { schema: { type: 'string' } } } };
  const schema = route.response ? refTo(route.response) : { type: 'object' };
  return { description: route.summary, content: { 'application/json': { schema } } };
}

/** The error responses of a route, by status. */
function problems(codes: Set<ErrorCode>): Record<string, Json> {
  const byStatus = Object.groupBy(codes, (code) => ERROR_STATUS[code]);
  return Object.fromEntries(
    Object.entries(byStatus).map(([status, some]) => [
      status,
      { description: some?.join(', '), content: { 'application/problem+json': { schema: ref('Problem') } } },
    ]),
  );
}

/** The reference to a named schema. Throws for a schema without a name: each body and response needs one. */
function refTo(schema: z.ZodType): Json {
  const found = [...Object.entries(RESPONSES), ...Object.entries(REQUESTS)].find(([, named]) => named === schema);
  if (!found) throw new Error('The body or response of a route is missing in REQUESTS or RESPONSES.');
  return ref(found[0]);
}

/** The JSON Schemas of named schemas, which refer to each other by name. */
function components(named: Record<string, z.ZodType>, io: 'input' | 'output'): Json {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(named)) registry.add(schema, { id });
  const { schemas } = z.toJSONSchema(registry, { uri: (id) => `#/components/schemas/${id}`, ...settings(io) });
  return Object.fromEntries(
    Object.entries(schemas).map(([id, { $schema: _schema, $id: _id, ...schema }]) => [id, schema]),
  );
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _schema, ...rest } = z.toJSONSchema(schema, settings(io));
  return rest;
}

/** Requests are strict. Responses may gain fields, so their schemas allow unknown ones. */
function settings(io: 'input' | 'output') {
  return {
    io,
    override: ({ jsonSchema }: { jsonSchema: { additionalProperties?: unknown } }) => {
      if (io === 'output' && jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
    },
  };
}
