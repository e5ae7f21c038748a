import type { z } from 'zod';
import { EPOCH_HEADER } from './api.ts';
import { componentsOf, propertiesOf, refTo, type Json } from './json-schema.ts';
import { LIMITS } from './limits.ts';
import { Event, nameOf } from './named-types.ts';
import { WebhookBody } from './notifications.ts';
import type { ErrorCode } from './problem.ts';
import { ERROR_STATUS, Problem } from './problem-document.ts';
import type { Route } from './route.ts';
import { ROUTE_NAMES, ROUTES } from './routes.ts';

/* Generates the OpenAPI 3.1 document of the public API from the routes. `./json-schema.ts` makes its schemas. */

/** The error codes of every route. */
const COMMON: ErrorCode[] = ['invalid', 'forbidden', 'rate_limited', 'too_large', 'unsupported_media_type', 'internal'];

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
      license: { name: 'MIT', identifier: 'MIT' },
      description:
        'Errors are problem documents (RFC 9457). An id that is malformed, unknown or of another user gets a 404. ' +
        'A row of the log is a `LogEvent`, whose type and body may be of a newer version; `Event` has ' +
        'those of today. ' +
        'GET /asyncapi.json describes the WebSocket, and GET /schemas.json has the types of all interfaces.',
    },
    servers: [{ url: '/', description: 'The server that this document comes from.' }],
    paths,
    webhooks: { errand: { post: WEBHOOK } },
    components: {
      headers: { Epoch: EPOCH, RetryAfter: RETRY_AFTER, Etag: ETAG },
      securitySchemes: {
        user: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
        operator: { type: 'http', scheme: 'bearer' },
      },
      schemas: componentsOf(
        ROUTE_NAMES.flatMap((name) => bodiesOf(ROUTES[name]))
          .concat(Problem, Event, WebhookBody)
          .map(nameOf),
      ),
    },
  };
}

/** The schemas of a route's request and response. */
function bodiesOf({ body, response }: Route): z.ZodType[] {
  return [body, response].filter((schema) => schema !== undefined);
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
      ...(hasEtag(route) ? [IF_NONE_MATCH] : []),
    ],
    ...(route.body && {
      requestBody: {
        required: !route.body.isOptional(),
        content: { 'application/json': { schema: refTo(route.body) } },
      },
    }),
    ...(route.takes_bytes && {
      requestBody: { required: true, content: { 'application/octet-stream': { schema: BYTES } } },
    }),
    responses: withHeaders(route, {
      [route.status]: success(route),
      ...(hasEtag(route) && { 304: UNCHANGED }),
      ...problems(errors),
    }),
  };
}

const BYTES = { type: 'string', format: 'binary' };

const EPOCH = {
  description:
    'The epoch of the database. A new epoch means that it was restored from a backup: cursors are void, and clients start again from ' +
    'GET /tasks.',
  schema: { type: 'string' },
};

/** Whether a client that has the answer already may ask with its ETag. */
function hasEtag({ method, auth }: Route): boolean {
  return method === 'get' && auth === 'user';
}

const ETAG = { description: 'Names this answer, for `If-None-Match`.', schema: { type: 'string' } };
const IF_NONE_MATCH = {
  name: 'If-None-Match',
  in: 'header',
  required: false,
  description: 'The `ETag` of the answer that the client has.',
  schema: { type: 'string' },
};
const UNCHANGED = { description: 'The client has this answer already.' };

const RETRY_AFTER = {
  description: 'How many seconds to wait before the next try. Absent: the server does not know.',
  schema: { type: 'integer', minimum: 0 },
};
/** The statuses of errors that pass by themselves. */
const PASSING = new Set(['429', '503']);

/** Adds their headers to the responses of a route: the epoch to those for logged-in clients. */
function withHeaders(route: Route, responses: Record<string, Json>): Json {
  return Object.fromEntries(
    Object.entries(responses).map(([status, response]) => {
      const headers = {
        ...(route.auth !== 'none' && status !== '401' && { [EPOCH_HEADER]: { $ref: '#/components/headers/Epoch' } }),
        ...(hasEtag(route) && Number(status) < 400 && { ETag: { $ref: '#/components/headers/Etag' } }),
        ...(PASSING.has(status) && { 'Retry-After': { $ref: '#/components/headers/RetryAfter' } }),
      };
      return [status, Object.keys(headers).length > 0 ? { headers, ...response } : response];
    }),
  );
}

/** What a webhook channel gets. */
const WEBHOOK: Json = {
  operationId: 'webhook',
  security: [],
  summary: 'What the address of a webhook channel is sent',
  description:
    'The signature is `v1,` and the base64 of HMAC-SHA-256 over `<webhook-id>.<webhook-timestamp>.<body>`, with the ' +
    'bytes after `whsec_` of the secret (base64) as key. A repeat of a lost answer has the same id: handle each once.',
  parameters: [
    ['webhook-id', 'string', 'the id of the message'],
    ['webhook-timestamp', 'integer', 'seconds since 1970'],
    ['webhook-signature', 'string', 'see above'],
  ].map(([name, type, description]) => ({ name, in: 'header', required: true, description, schema: { type } })),
  requestBody: { required: true, content: { 'application/json': { schema: refTo(WebhookBody) } } },
  responses: {
    '2XX': { description: 'It was taken.' },
    default: { description: '408, 425, 429 and 5xx are tried again for a day; anything else is given up.' },
  },
};

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
  return Object.entries(propertiesOf(schema)).map(([name, { description, ...field }]) => ({
    name,
    in: place,
    required: place === 'path',
    ...(description !== undefined && { description }),
    schema: field,
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
      { description: some?.join(', '), content: { 'application/problem+json': { schema: refTo(Problem) } } },
    ]),
  );
}
