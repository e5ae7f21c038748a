import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import test from 'ava';
import Koa from 'koa';
import { ByteBudget } from '../../../coordinator/base/byte-budget.ts';
import { checkWith } from '../../../coordinator/base/check-body.ts';
import { readJsonBody } from '../../../coordinator/http/body.ts';
import { CountingThreads } from '../../support/counting-threads.ts';
import { measure } from '../../support/thread-jobs.ts';

test('a body with many values, or of many bytes, is checked in a thread, and each but the smallest is charged', async (t) => {
  const threads = new CountingThreads();
  t.teardown(() => threads.close());
  const charged: number[] = [];
  const check = checkWith(threads, { key: 'a', charge: (ms) => charged.push(ms) });
  const bodies: [string, { is_main: boolean; charges: number }][] = [
    ['{}', { is_main: true, charges: 0 }],
    [`"${'x'.repeat(100_000)}"`, { is_main: true, charges: 1 }],
    [`[${'0,'.repeat(9_000)}0]`, { is_main: true, charges: 2 }],
    [`[${'0,'.repeat(12_000)}0]`, { is_main: false, charges: 3 }],
    [`"${'x'.repeat(200_000)}"`, { is_main: false, charges: 4 }],
  ];
  for (const [text, { is_main, charges }] of bodies) {
    const { value, bytes } = await check(Buffer.from(text), measure, 'm');
    t.like(value, { is_main, mark: 'm' });
    t.is(bytes.toString('utf8'), text);
    t.is(charged.length, charges);
  }
});

test('who sends a body to the public API pays for the time that it takes to parse', async (t) => {
  const times: string[] = [];
  class Budget extends ByteBudget {
    override spendTime(key: string): void {
      times.push(key);
    }
  }
  const budget = new Budget({ bytes_per_s: 1e6, burst_bytes: 1e6, time_share: 1 });
  const app = new Koa().use(
    async (ctx) => void (ctx.body = { read: await readJsonBody(ctx, budget).catch(() => null) }),
  );
  const server = app.listen(0, '127.0.0.1');
  t.teardown(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const send = async (body: string) => {
    const headers = { 'content-type': 'application/json' };
    return (await fetch(`http://127.0.0.1:${port}`, { method: 'POST', headers, body })).json();
  };
  const text = 'x'.repeat(10_000);
  t.deepEqual(await send(JSON.stringify({ text })), { read: { text } });
  t.deepEqual(await send(`{"text":"${text}`), { read: null });
  t.deepEqual(times, ['127.0.0.1', '127.0.0.1']);
});
