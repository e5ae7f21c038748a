import test, { type ExecutionContext } from 'ava';
import { Client } from '../../../coordinator/client/client.ts';
import { follow, type News } from '../../../coordinator/client/follow.ts';
import { sendErrand } from '../../support/send-errand.ts';
import { startApi } from '../../support/start-api.ts';
import { startFaultyProxy } from '../../support/web/faulty-proxy.ts';

/** Follows an errand through a proxy that refuses to show its log, once. */
async function followRefused(t: ExecutionContext, status: number, code: string, headers: Record<string, string> = {}) {
  const server = await startApi(t);
  const { api, session } = await server.person();
  const { id } = await sendErrand(api);
  const proxy = await startFaultyProxy(t, server.url);
  const abort = new AbortController();
  t.teardown(() => abort.abort());
  const client = Client.withToken(proxy.url, session.access_token, { signal: abort.signal });
  proxy.answer = ({ url = '' }, response) => {
    if (!url.includes('/events')) return false;
    proxy.answer = () => false;
    const problem = { type: `urn:errand:problem:${code}`, title: code, status, code };
    response.writeHead(status, { 'content-type': 'application/problem+json', ...headers });
    response.end(JSON.stringify(problem));
    return true;
  };
  const news = follow(client, id, abort.signal);
  const next = async (): Promise<News | undefined> => (await news.next()).value ?? undefined;
  return { next };
}

test('a fault that passes does not end the following of an errand, also at its start', async (t) => {
  const { next } = await followRefused(t, 500, 'internal');
  t.is((await next())?.type, 'lost');
  t.is((await next())?.type, 'events');
});

for (const [named_s, waited_s] of [
  [300, 300],
  [1_000_000, 900],
] as const)
  test(`who follows an errand waits as long as the server names, up to 15 minutes: ${named_s} s`, async (t) => {
    const before = Date.now();
    const { next } = await followRefused(t, 429, 'rate_limited', { 'retry-after': String(named_s) });
    const lost = await next();
    if (lost?.type !== 'lost') return t.fail(lost?.type);
    const earliest = before + waited_s * 1_000;
    t.true(lost.retry_at_ms >= earliest && lost.retry_at_ms < earliest + 60_000);
  });
