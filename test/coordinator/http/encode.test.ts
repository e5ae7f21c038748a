import { request } from 'node:http';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import test from 'ava';
import { addLogEvents, taskOf } from '../../support/fixtures.ts';
import { sendErrand } from '../../support/send-errand.ts';
import { startApi } from '../../support/start-api.ts';

type Answer = { status: number; headers: NodeJS.Dict<string | string[]>; body: Buffer };

/** A GET that shows the bytes as they came. */
function get(url: string, headers: Record<string, string>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request(url, { headers }, (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(pieces) }),
      );
    })
      .on('error', reject)
      .end();
  });
}

async function startWithLog(t: Parameters<typeof startApi>[0], env: Record<string, string> = {}) {
  const server = await startApi(t, env);
  const { api } = await server.person();
  const { id } = await sendErrand(api);
  addLogEvents(server.log, taskOf(server.log, id), 100, 'the same words again and again. '.repeat(20));
  const authorization = `Bearer ${api.token}`;
  return { server, api, id, authorization, url: `${server.url}/tasks/${id}/events?limit=200` };
}

test('an answer comes in the best encoding that the client takes, and is the same in each', async (t) => {
  const { url, authorization } = await startWithLog(t);
  const plain = await get(url, { authorization });
  t.is(plain.headers['content-encoding'], undefined);
  const cases: [accepts: string, encoding: string | undefined][] = [
    ['br', 'br'],
    ['gzip', 'gzip'],
    ['gzip, deflate, br', 'br'],
    ['gzip;q=1, br;q=0', 'gzip'],
    ['br;q=0, gzip;q=0', undefined],
    ['identity', undefined],
    ['zstd', undefined],
    ['*', 'br'],
    ['', undefined],
    [`br;q=${'9'.repeat(5_000)}`, undefined],
    [',;=,,'.repeat(500), undefined],
  ];
  for (const [accepts, encoding] of cases) {
    const { status, headers, body } = await get(url, { authorization, 'accept-encoding': accepts });
    t.is(status, 200);
    if (accepts.length < 100) t.is(headers['content-encoding'], encoding, accepts);
    const text =
      headers['content-encoding'] === 'br'
        ? brotliDecompressSync(body)
        : headers['content-encoding'] === 'gzip'
          ? gunzipSync(body)
          : body;
    t.true(text.equals(plain.body), accepts);
    t.is(headers['content-length'], String(body.length));
    t.is(headers['content-type'], 'application/json; charset=utf-8');
    t.regex(String(headers['vary']), /Accept-Encoding/);
    if (encoding !== undefined) t.true(body.length < plain.body.length / 5);
  }
});

test('an answer that the client has already is not sent again, in any encoding', async (t) => {
  const { server, id, url, authorization } = await startWithLog(t);
  const first = await get(url, { authorization, 'accept-encoding': 'br' });
  const etag = String(first.headers['etag']);
  t.is(first.headers['cache-control'], 'private, no-cache');
  for (const more of [{}, { 'accept-encoding': 'br' }, { 'accept-encoding': 'gzip' }]) {
    const again = await get(url, { authorization, 'if-none-match': etag, ...more });
    t.is(again.status, 304);
    t.is(again.body.length, 0);
    t.is(again.headers['etag'], etag);
  }
  t.is((await get(url, { 'if-none-match': etag })).status, 401, 'a tag is no credential');
  addLogEvents(server.log, taskOf(server.log, id), 1);
  t.is((await get(url, { authorization, 'if-none-match': etag })).status, 200);
});

test('tokens, problems and small answers are neither compressed nor kept', async (t) => {
  const { server, authorization } = await startWithLog(t);
  for (const path of ['/healthz', '/nowhere', '/readyz']) {
    const { headers } = await get(server.url + path, { authorization, 'accept-encoding': 'br, gzip' });
    t.is(headers['content-encoding'], undefined);
    t.is(headers['etag'], undefined);
    t.is(headers['cache-control'], 'no-store');
  }
  const { headers } = await get(`${server.url}/me`, { authorization, 'accept-encoding': 'br' });
  t.is(headers['content-encoding'], undefined, 'too small');
  const ticket = await fetch(`${server.url}/ws-ticket`, { method: 'POST', headers: { authorization } });
  t.is(ticket.headers.get('cache-control'), 'no-store');
  t.is(ticket.headers.get('content-encoding'), null);
});

test('the pages of the origins that the owner lists may use the API, and those of no other', async (t) => {
  const env = { ERRAND_CORS_ORIGINS: 'https://App.example.org, capacitor://localhost' };
  const { url, authorization } = await startWithLog(t, env);
  const ask = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' };
  for (const origin of ['https://app.example.org', 'capacitor://localhost']) {
    const preflight = await fetch(url, { method: 'OPTIONS', headers: { origin, ...ask } });
    t.is(preflight.status, 204);
    t.is(preflight.headers.get('access-control-allow-origin'), origin);
    t.regex(preflight.headers.get('access-control-allow-headers') ?? '', /Authorization.*Idempotency-Key/);
    t.is(preflight.headers.get('access-control-allow-credentials'), null);
    const answer = await fetch(url, { headers: { origin, authorization } });
    t.is(answer.status, 200);
    t.is(answer.headers.get('access-control-allow-origin'), origin);
    t.regex(answer.headers.get('access-control-expose-headers') ?? '', /Errand-Epoch/);
    t.regex(answer.headers.get('vary') ?? '', /Origin/);
    const refused = await fetch(url, { headers: { origin } });
    t.is(refused.status, 401);
    t.is(refused.headers.get('access-control-allow-origin'), origin, 'an app may read why');
  }
  for (const origin of [
    'http://app.example.org',
    'https://app.example.org:444',
    'https://app.example.org.evil',
    'null',
  ]) {
    const { status, headers } = await fetch(url, { headers: { origin, authorization } });
    t.is(status, 403, origin);
    t.is(headers.get('access-control-allow-origin'), null);
  }
});
