import { once } from 'node:events';
import test from 'ava';
import { WebSocket } from 'ws';
import { startApi } from '../../support/start-api.ts';

for (const { trust, count } of [
  { trust: 'false', count: 1 },
  { trust: 'true', count: 0 },
])
  test(`with ERRAND_TRUST_PROXY=${trust}, ${count} warning says that x-forwarded-for is ignored`, async (t) => {
    const { url, lines } = await startApi(t, { ERRAND_TRUST_PROXY: trust });
    const warnings = () => lines.filter((line) => line.includes('x-forwarded-for of a client'));
    await fetch(`${url}/healthz`);
    t.is(warnings().length, 0, 'no proxy is in front of it');
    for (const address of ['192.0.2.1', '192.0.2.2'])
      t.is((await fetch(`${url}/healthz`, { headers: { 'x-forwarded-for': address } })).status, 200);
    t.is(warnings().length, count);
  });

test('an upgrade through a proxy that is not trusted is told of, too', async (t) => {
  const { url, lines } = await startApi(t);
  const socket = new WebSocket(`${url.replace('http', 'ws')}/ws/nobody`, {
    headers: { 'x-forwarded-for': '192.0.2.1' },
  });
  await once(
    socket.on('error', () => undefined),
    'close',
  );
  t.is(lines.filter((line) => line.includes('x-forwarded-for of a client')).length, 1);
});
