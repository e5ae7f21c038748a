import { z } from 'zod';
import * as accounts from './accounts.ts';
import * as api from './api.ts';
import { CoordinatorEvent, LogEvent, NumberedEvent } from './events.ts';
import { LIMITS } from './limits.ts';
import type { ErrorCode } from './problem.ts';
import { ERROR_STATUS, Problem } from './problem-document.ts';
import type { Route } from './route.ts';
import { ROUTE_NAMES, ROUTES } from './routes.ts';
import { ClientFrame, ServerFrame } from './socket.ts';
import { Attempt, Task, TaskDetail } from './task.ts';

/* The description of the public API, an OpenAPI 3.1 document, and the JSON Schema of the log's events: both made from the schemas. */

type Json = Record<string, unknown>;

/** What answers hold, by the names of the document. */
const ANSWERS: Record<string, z.ZodType> = {
  Problem,
  User: accounts.User,
  Session: accounts.Session,
  SessionPage: accounts.SessionPage,
  PasswordResetDone: accounts.PasswordResetDone,
  WsTicket: accounts.WsTicket,
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

/** What requests hold. */
const REQUESTS: Record<string, z.ZodType> = {
  Signup: accounts.Signup,
  Login: accounts.Login,
  Refresh: accounts.Refresh,
  AccountDelete: accounts.AccountDelete,
  PasswordChange: accounts.PasswordChange,
  PasswordReset: accounts.PasswordReset,
  ProjectCreate: api.ProjectCreate,
  ProjectPatch: api.ProjectPatch,
  TaskCreate: api.TaskCreate,
  MessageCreate: api.MessageCreate,
  TaskRetry: api.TaskRetry,
  ClientFrame,
};

/** The codes that any route may answer. */
const COMMON: ErrorCode[] = ['invalid', 'too_large', 'unsupported_media_type', 'internal'];

const ref = (name: string): Json => ({ $ref: `#/components/schemas/${name}` });

/** The description of all routes of `ROUTES`: a fresh OpenAPI 3.1 document. */
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
        'Errors are problem documents (RFC 9457). The socket, WS /ws/{user_id}, takes ClientFrame and sends ServerFrame; the bodies ' +
        'of its events are those of /components/schemas/Event. An id that is malformed, unknown or of another user is answered by 404 alike.',
    },
    paths,
    components: {
      headers: { Epoch: EPOCH },
      securitySchemes: {
        user: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
        operator: { type: 'http', scheme: 'bearer' },
      },
      schemas: { ...components(ANSWERS, 'output'), ...components(REQUESTS, 'input'), Event: eventSchema() },
    },
  };
}

/** The JSON Schema of a row of the log, with the body of each type that this version knows. */
export function eventSchema(): Json {
  const options = [...NumberedEvent.options, ...CoordinatorEvent.options];
  return {
    description:
      'One row of the log. A type or a field that is not listed here is one of a newer version: pass over it.',
    oneOf: options.map(({ shape: { type, body } }) => schemaOf(LogEvent.extend({ type, body }), 'output')),
  };
}

function operation(name: string, route: Route): Json {
  const errors = new Set<ErrorCode>([...COMMON, ...route.errors]);
  if (route.auth !== 'none') errors.add('unauthenticated');
  return {
    operationId: name,
    summary: route.summary,
    ...(route.description !== undefined && { description: route.description }),
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
    "The database's epoch. Another one than before: it was restored from a backup. A client's cursors are void then, and it starts from GET /tasks.",
  schema: { type: 'string' },
};

/** The answers of a route; those to someone who is logged in name the epoch. */
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
    `The same key with the same request acts once, and is answered the same for ${LIMITS.idempotency_key_s / 86_400} days, or until ` +
    `${LIMITS.idempotency_keys_per_user_max} newer keys have come. What was refused may be tried again with it.`,
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

/** The problem documents of a route, by their status. */
function problems(codes: Set<ErrorCode>): Record<string, Json> {
  const byStatus = Object.groupBy(codes, (code) => ERROR_STATUS[code]);
  return Object.fromEntries(
    Object.entries(byStatus).map(([status, some]) => [
      status,
      { description: some?.join(', '), content: { 'application/problem+json': { schema: ref('Problem') } } },
    ]),
  );
}

/** The reference to a schema of the components. Throws for one that is not among them: each body and answer has a name there. */
function refTo(schema: z.ZodType): Json {
  const found = [...Object.entries(ANSWERS), ...Object.entries(REQUESTS)].find(([, named]) => named === schema);
  if (!found) throw new Error('A route has a body or an answer that is not among the components.');
  return ref(found[0]);
}

/** The components' schemas, which refer to each other by name. */
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

/** Requests are strict; answers may gain fields, so their schemas leave room for those. */
function settings(io: 'input' | 'output') {
  return {
    io,
    override: ({ jsonSchema }: { jsonSchema: { additionalProperties?: unknown } }) => {
      if (io === 'output' && jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
    },
  };
}
