import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { Client } from '../../../coordinator/client/client.ts';
import { Failure, Refusal, Unreachable } from '../../../coordinator/client/errors.ts';
import { exchange, reason, send } from '../../../coordinator/client/http.ts';
import { LIMITS } from '../../../protocol/limits.ts';

const signal = new AbortController().signal;
const EMPTY = JSON.stringify({ items: [], next_cursor: null });

async function serve(t: ExecutionContext, answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const server = createServer(answer);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A client whose access token is good for a while. */
function openClient(server: string): Promise<Client> {
  const stored = { server, user_id: 'u', email: 'a@b.cd', access_token: 'a', refresh_token: 'r' };
  const session = { ...stored, expires_at_ms: Date.now() + 3_600_000 };
  return Client.open(
    { read: () => Promise.resolve(session), renew: () => Promise.resolve(true), locked: (act) => act() },
    { signal },
  );
}

const problem = (code: string, status: number) =>
  JSON.stringify({ type: `urn:errand:problem:${code}`, title: code, status, code, detail: 'Not now.' });

test('a wait that the server names is read in seconds and as a date, and is in the message', async (t) => {
  const cases: [status: number, retry_after: string, problem: string | null, words: RegExp][] = [
    [503, '7', null, /not available now \(503\)\. Try again in 7 s\.$/],
    [429, new Date(Date.now() + 3_600_000).toUTCString(), null, /Try again in (59|60) minutes\.$/],
    [502, 'soon', null, /not available now \(502\)\.$/],
    [504, '-5', null, /not available now \(504\)\.$/],
    [503, '300', problem('unavailable', 503), /^Not now\. Try again in 5 minutes\.$/],
    [429, '90', problem('rate_limited', 429), /^Not now\. Try again in 90 s\.$/],
  ];
  for (const [status, retry_after, body, words] of cases) {
    const type = body === null ? 'text/html' : 'application/problem+json';
    const server = await serve(t, (_request, response) => {
      response.writeHead(status, { 'retry-after': retry_after, 'content-type': type }).end(body ?? 'Busy');
    });
    const error = await t.throwsAsync(send(server, 'listTasks', {}, {}, signal), { instanceOf: Failure });
    t.true(error instanceof Unreachable || error instanceof Refusal);
    t.regex(error?.message ?? '', words);
  }
});

test('a short wait is waited out where the request may be repeated; a long one is left to the user', async (t) => {
  let asked: number[] = [];
  let wait = '1';
  const server = await serve(t, (_request, response) => {
    asked.push(Date.now());
    if (asked.length > 1) return void response.writeHead(200, { 'content-type': 'application/json' }).end(EMPTY);
    const headers = { 'retry-after': wait, 'content-type': 'application/problem+json' };
    response.writeHead(429, headers).end(problem('rate_limited', 429));
  });
  const client = await openClient(server);
  t.deepEqual((await client.call('listTasks', {})).items, []);
  t.is(asked.length, 2);
  t.true((asked[1] ?? 0) - (asked[0] ?? 0) >= 990);
  asked = [];
  wait = '61';
  await t.throwsAsync(client.call('listTasks', {}), { instanceOf: Refusal, message: /Try again in 61 s/ });
  t.is(asked.length, 1);
  asked = [];
  wait = '1';
  // It has no key by which the server knows a repeat.
  const change = { params: { id: '0'.repeat(20) }, body: { name: 'Q' } };
  await t.throwsAsync(client.call('patchProject', change), { instanceOf: Refusal });
  t.is(asked.length, 1);
});

test('an answer that keeps coming is read to its end, however slow the line; one that stops is given up', async (t) => {
  const pieces = 12;
  const server = await serve(t, ({ url }, response) => {
    response.writeHead(200, { 'content-type': 'text/plain' }).write('.');
    let sent = 1;
    const timer = setInterval(() => {
      if (sent++ < pieces) response.write('.');
      else if (url === '/ends') response.end();
    }, 150);
    response.on('close', () => clearInterval(timer));
  });
  const get = (path: string) => exchange(new URL(server + path), path, { method: 'GET' }, signal, 1_000);
  t.is((await get('/ends')).text, '.'.repeat(pieces));
  await t.throwsAsync(get('/stops'), { instanceOf: Unreachable, message: /no answer within 1 seconds/ });
});

test('a long body has the time that it takes on a slow line', async (t) => {
  const server = await serve(t, (request, response) => {
    const timer = setTimeout(() => response.end('taken'), 500);
    response.on('close', () => clearTimeout(timer));
    request.resume();
  });
  const post = (bytes: number) =>
    exchange(new URL(server), '/', { method: 'POST', body: new Uint8Array(bytes) }, signal, 100);
  await t.throwsAsync(post(1), { instanceOf: Unreachable });
  t.is((await post(10 * LIMITS.request_bytes_per_s_min)).text, 'taken');
});

test('a failed look-up of a name is told in words', (t) => {
  const cause = Object.assign(new Error('getaddrinfo EAI_AGAIN errand.example'), { code: 'EAI_AGAIN' });
  t.is(reason(new TypeError('fetch failed', { cause })), 'no name server answers');
});
