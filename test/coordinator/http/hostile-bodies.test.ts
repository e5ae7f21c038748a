import test from 'ava';
import { newId } from '../../../protocol/ids.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { ROUTE_NAMES, ROUTES } from '../../../protocol/routes.ts';
import type { Route } from '../../../protocol/route.ts';
import { readProblem } from '../../support/api.ts';
import { rawExchange, upgradeRequest } from '../../support/raw-connection.ts';
import { startApi } from '../../support/start-api.ts';

const BYTES = LIMITS.request_body_bytes_max;
const JSON_BODY = { 'content-type': 'application/json' };
const keys = (n: number) => Array.from({ length: n }, (_, i) => `"k${i}":0`).join();

/** Bodies that are cheap to send and expensive to parse or to check. */
const HOSTILE: Record<string, string> = {
  'unknown keys': `{${keys(25_000)}}`,
  'zeros in an array': `{"egress_hosts":[${'0,'.repeat(BYTES / 2 - 50)}0]}`,
  'variables without number': `{"env":{${keys(25_000)}}}`,
  'objects in objects': '{"a":'.repeat(BYTES / 5),
  'arrays in arrays': '['.repeat(BYTES),
};

test('a body with too much structure is refused before it is parsed, on every route, with a log-in or without', async (t) => {
  const server = await startApi(t);
  const { api } = await server.person();
  const routes: Route[] = ROUTE_NAMES.map((name) => ROUTES[name]);
  const with_body = routes.filter(({ body }) => body !== undefined);
  t.true(with_body.length > 5);
  for (const [what, body] of Object.entries(HOSTILE)) {
    for (const { method, path, auth } of with_body) {
      const url = server.url + path.replaceAll(/:\w+/g, newId());
      const headers = { ...JSON_BODY, ...(auth === 'user' && { authorization: `Bearer ${api.token}` }) };
      const problem = await readProblem(await fetch(url, { method: method.toUpperCase(), headers, body }));
      t.true(['too_large', 'rate_limited'].includes(problem.code), `${what} to ${path}: ${problem.code}`);
    }
  }
});

test('the log quotes no body that cannot be parsed', async (t) => {
  const server = await startApi(t);
  for (const body of [
    '{"password":sesame-open-up}',
    '{"password":"sesame"-open-up}',
    '{"password":"ses\tame-open-up"}',
  ]) {
    const response = await fetch(`${server.url}/auth/login`, { method: 'POST', headers: JSON_BODY, body });
    t.is((await readProblem(response)).code, 'invalid');
  }
  const log = server.lines.join('');
  t.true(log.includes('request refused'));
  t.false(/sesame|ame-open|open-up/.test(log), log);
});

test('a refusal names twenty fields at most, however many are wrong', async (t) => {
  const { api } = await (await startApi(t)).person();
  const body = Object.fromEntries(Array.from({ length: 900 }, (_, i) => [`${'k'.repeat(200)}${i}`, i]));
  const problem = await api.refused('createTask', { body });
  t.is(problem.code, 'invalid');
  t.true((problem.errors?.length ?? 0) <= 20 && JSON.stringify(problem).length < 10_000);
});

test('an address that floods the server with bodies is limited, and asked to come again', async (t) => {
  const { url } = await startApi(t);
  const body = `{"email":"${'x'.repeat(BYTES - 100)}"}`;
  const send = () => fetch(`${url}/auth/login`, { method: 'POST', headers: JSON_BODY, body });
  let answer = await send();
  for (let sent = 0; answer.status === 400 && sent < 3 * LIMITS.request_burst_bytes_max; sent += body.length) {
    await answer.body?.cancel();
    answer = await send();
  }
  t.is(answer.status, 429);
  t.true(Number(answer.headers.get('retry-after')) > 0);
  t.is((await readProblem(answer)).code, 'rate_limited');
});

test('a slow body holds no connection of a route without a body, or of a request that is refused', async (t) => {
  const server = await startApi(t);
  const { api } = await server.person();
  const bearer = `authorization: Bearer ${api.token}\r\n`;
  const to = { port: Number(new URL(server.url).port), host: '127.0.0.1' };
  const heads = {
    200: [`GET /me HTTP/1.1\r\n${bearer}`, 'GET /healthz HTTP/1.1\r\n'],
    401: ['PUT /attachments/x HTTP/1.1\r\n', 'GET /me HTTP/1.1\r\n'],
    404: [`PUT /attachments/x?name=a HTTP/1.1\r\n${bearer}`, 'POST /nowhere HTTP/1.1\r\n'],
    415: ['POST /auth/login HTTP/1.1\r\n'],
  };
  const asked = Object.entries(heads).flatMap(([status, all]) => all.map((head) => ({ status, head })));
  await Promise.all(
    asked.map(async ({ status, head }) => {
      const answer = await rawExchange(to, `${head}host: localhost\r\ncontent-length: 1000\r\n\r\nx`);
      t.regex(answer, new RegExp(`^HTTP/1\\.1 ${status} `), head);
    }),
  );
  const upgrade = upgradeRequest('/nowhere', { 'content-length': '1000' });
  t.regex(await rawExchange(to, `${upgrade}x`), /^HTTP\/1\.1 404 /);
});
