import type { Router } from '@koa/router';
import test from 'ava';
import { readConfig } from '../../coordinator/base/config.ts';
import { createApp } from '../../coordinator/http/app.ts';
import { createLogger } from '../../coordinator/base/logger.ts';
import { DEFINITIONS } from '../../protocol/json-schema.ts';
import { openapiDocument } from '../../protocol/openapi.ts';
import { NO_APP } from '../support/no-app.ts';
import { startApi } from '../support/start-api.ts';

type Document = {
  paths: Record<string, Record<string, { operationId: string; responses: Record<string, unknown> }>>;
  webhooks: Record<string, unknown>;
  components: { schemas: Record<string, unknown> };
};
const document = openapiDocument() as Document;

test('the document lists exactly the routes that the server serves', async (t) => {
  const { auth, keys, log, notifications, forge_accounts, intake } = await startApi(t);
  const app = createApp({
    onRefused: () => undefined,
    config: readConfig({}),
    repositories: { check: () => Promise.resolve([]), checkHost: () => Promise.resolve() },
    log,
    keys,
    auth,
    notifications,
    forge_accounts,
    intake,
    epoch: 'e',
    gate: { fault: null },
    feed: { touch: () => undefined },
    offer: { models: [], demo: false },
    readiness: () => Promise.resolve({ ready: true, checks: {} }),
    status: { read: () => Promise.reject(new Error('not asked')) },
    metrics: () => Promise.resolve(''),
    web: NO_APP,
    logger: createLogger('silent'),
  });
  const mounted = app.middleware
    .flatMap((middleware) => ('router' in middleware ? (middleware.router as Router).stack : []))
    .flatMap(({ methods, path }) =>
      methods.filter((method) => method !== 'HEAD').map((method) => `${method} ${String(path)}`),
    );
  const described = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}`),
  );
  t.true(mounted.length > 20);
  t.deepEqual(mounted.sort(), described.sort());
});

test('every reference has a schema in the document', (t) => {
  const text = JSON.stringify(document);
  const names = [...text.matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)].map(([, name]) => name ?? '');
  t.true(names.length > 20);
  for (const name of names) t.true(name in document.components.schemas, name);
  t.false(/"\$ref":"(?!#\/components)/.test(text));
});

test('every operation has one success response and its error responses', (t) => {
  for (const methods of Object.values(document.paths))
    for (const { operationId, responses } of Object.values(methods)) {
      const statuses = Object.keys(responses).map(Number);
      t.is(statuses.filter((status) => status < 300).length, 1, operationId);
      t.true(statuses.includes(500), operationId);
    }
});

test('responses may gain fields, requests may not', (t) => {
  const { Task, TaskCreate } = document.components.schemas as Record<string, { additionalProperties?: unknown }>;
  t.is(Task?.additionalProperties, undefined);
  t.is(TaskCreate?.additionalProperties, false);
});

test('every 429 says with Retry-After when to try again', (t) => {
  for (const methods of Object.values(document.paths))
    for (const { operationId, responses } of Object.values(methods)) {
      const limited = responses['429'] as { headers?: Record<string, unknown> } | undefined;
      t.truthy(limited?.headers?.['Retry-After'], operationId);
    }
});

test('what a webhook is sent has a type in both documents', (t) => {
  t.true('errand' in document.webhooks);
  t.true('WebhookBody' in document.components.schemas);
  t.true('WebhookBody' in DEFINITIONS);
});

test('every GET of a person has an ETag, and 304 for a client that has its answer', async (t) => {
  for (const [path, methods] of Object.entries(document.paths))
    for (const [method, { responses }] of Object.entries(methods)) {
      const { headers = {} } = (responses['200'] ?? {}) as { headers?: Record<string, unknown> };
      t.is('304' in responses, 'ETag' in headers, `${method} ${path}`);
    }
  const { url, person } = await startApi(t);
  const { session } = await person();
  const authorization = `Bearer ${session.access_token}`;
  const tagged = Object.entries(document.paths).filter(
    ([path, { get }]) => !path.includes('{') && get?.responses['304'],
  );
  t.true(tagged.length > 10);
  for (const [path] of tagged) {
    const { status, headers } = await fetch(url + path, { headers: { authorization } });
    if (status === 200) t.truthy(headers.get('etag'), path);
  }
});
