import test, { type ExecutionContext } from 'ava';
import { whyHeld } from '../../../../coordinator/start/trial/held.ts';
import { startCuttingProxy } from '../../../support/cutting-proxy.ts';
import { startApi } from '../../../support/start-api.ts';
import { until } from '../../../support/until.ts';

const TIMES = { look_ms: 5, held_ms: 50 };
const FULL = { ready: false, checks: { disk: { ok: false, detail: 'the disk is full' } } };

/** A server behind a bad network; the looks at it end with the test. */
async function scene(t: ExecutionContext) {
  const server = await startApi(t);
  const network = await startCuttingProxy(t, server.url);
  const over = new AbortController();
  t.teardown(() => over.abort());
  return { server, network, signal: over.signal };
}

test('a fault that lasts is told, with its check', async (t) => {
  const { server, network, signal } = await scene(t);
  Object.assign(server.readiness, FULL);
  t.deepEqual(await whyHeld(network.url, signal, TIMES), new Map([['disk', 'the disk is full']]));
  const sent = { ...TIMES, until_ready: true, waits: () => Promise.resolve(true) };
  t.deepEqual(await whyHeld(network.url, signal, sent), new Map([['disk', 'the disk is full']]));
});

test('a server that is ready, or does not answer, holds nothing back', async (t) => {
  const { network, signal } = await scene(t);
  t.is(await whyHeld(network.url, signal, { ...TIMES, until_ready: true }), undefined);
  network.offline = true;
  network.cut();
  t.is(await whyHeld(network.url, signal, { ...TIMES, until_ready: true }), undefined);
});

test('a fault is not told once nothing waits for a start', async (t) => {
  const { server, network, signal } = await scene(t);
  Object.assign(server.readiness, FULL);
  t.is(await whyHeld(network.url, signal, { ...TIMES, waits: () => Promise.resolve(false) }), undefined);
});

test('looks without an answer are no fault, and do not end the watch', async (t) => {
  const { server, network, signal } = await scene(t);
  network.offline = true;
  const looking = whyHeld(network.url, signal, TIMES);
  await until('some looks have failed', () => network.refused > 3);
  Object.assign(server.readiness, FULL);
  network.offline = false;
  t.deepEqual(await looking, new Map([['disk', 'the disk is full']]));
});

test('a watch ends with its signal', async (t) => {
  const { network } = await scene(t);
  await t.throwsAsync(whyHeld(network.url, AbortSignal.abort(), TIMES), { name: 'AbortError' });
});
