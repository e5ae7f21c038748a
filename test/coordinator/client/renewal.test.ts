import type { ServerResponse } from 'node:http';
import test, { type ExecutionContext } from 'ava';
import { Client } from '../../../coordinator/client/client.ts';
import { LoggedOut, Unreachable } from '../../../coordinator/client/errors.ts';
import { toStored } from '../../../coordinator/client/session.ts';
import { startApi } from '../../support/start-api.ts';
import { MemoryDevice } from '../../support/web/memory-storage.ts';
import { startFaultyProxy } from '../../support/web/faulty-proxy.ts';

/** A client whose token has expired, and the answers that its requests for a new one wait for. */
async function startExpired(t: ExecutionContext) {
  const server = await startApi(t);
  const proxy = await startFaultyProxy(t, server.url);
  const { session } = await server.person();
  const asked: ServerResponse[] = [];
  const first = Promise.withResolvers<ServerResponse>();
  proxy.answer = ({ url = '' }, response) => {
    if (!url.endsWith('/refresh')) return false;
    asked.push(response);
    first.resolve(response);
    return true;
  };
  const device = new MemoryDevice({ ...toStored(proxy.url, session), expires_at_ms: 0 });
  const client = await Client.open(device.session, { signal: new AbortController().signal });
  return { server, proxy, session, device, client, asked, first: first.promise };
}

test('all that need a token wait for one request for it', async (t) => {
  const { client, asked, first } = await startExpired(t);
  const waiting = [1, 2, 3].map(() => t.throwsAsync(client.token(), { instanceOf: Unreachable }));
  (await first).writeHead(503).end();
  await Promise.all(waiting);
  t.is(asked.length, 1);
});

test('a call that is aborted does not wait for a token any more', async (t) => {
  const { client, first } = await startExpired(t);
  const stop = new AbortController();
  const waiting = t.throwsAsync(client.call('me', {}, { signal: stop.signal }), { message: 'Left.' });
  await first;
  stop.abort(new Error('Left.'));
  await waiting;
});

test('a log-in that the same person has put in place of one that has ended goes on', async (t) => {
  const { server, proxy, session, device, client, first } = await startExpired(t);
  const renewing = client.token();
  await first;
  const other = { ...toStored(proxy.url, session), access_token: 'other', refresh_token: 'other' };
  device.stored = other;
  server.auth.sessions.end(session.refresh_token);
  (await first)
    .writeHead(401, { 'content-type': 'application/problem+json' })
    .end(JSON.stringify({ type: 'about:blank', title: 'Ended', status: 401, code: 'unauthenticated' }));
  t.is(await renewing, 'other');
  t.is(device.stored, other);
});

test('a log-in that has ended is not renewed again and again', async (t) => {
  const { proxy, session, server, client } = await startExpired(t);
  proxy.answer = () => false;
  server.auth.sessions.end(session.refresh_token);
  await t.throwsAsync(client.token(), { instanceOf: LoggedOut, message: 'Your log-in has ended.' });
});
