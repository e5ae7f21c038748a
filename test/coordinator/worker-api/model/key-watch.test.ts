import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AuthenticationError } from '@anthropic-ai/sdk';
import test from 'ava';
import { keyVerdict } from '../../../../coordinator/domain/key-verdict.ts';
import { DispatchGate } from '../../../../coordinator/tasks/dispatch-gate.ts';
import { KeyWatch } from '../../../../coordinator/worker-api/model/key-watch.ts';
import { startErrand } from '../../../support/errand.ts';
import { ASK, startModelProxy, type ModelProxyScene } from '../../../support/model-proxy-scene.ts';
import { SILENT } from '../../../support/silent.ts';
import { until } from '../../../support/until.ts';

const ask = ({ client }: ModelProxyScene) => client.messages.create(ASK, { maxRetries: 0 });

test('while the API refuses the key of the server, dispatch is held, and the reason names the setting', async (t) => {
  const scene = await startModelProxy(t, { upstream: { api_key: 'mistyped' } });
  await t.throwsAsync(ask(scene), { instanceOf: AuthenticationError });
  const fault = await until('dispatch is held', () => scene.gate.fault ?? undefined);
  t.regex(fault, /ANTHROPIC_API_KEY/);
  t.notRegex(fault, /mistyped/);
});

test('a server that starts with a refused key holds dispatch before any errand asks', async (t) => {
  const { errand, model } = await startErrand(t, { runner: 'process', env: { ANTHROPIC_API_KEY: 'mistyped' } });
  const ready = await until('dispatch is held', async () => {
    const answer = await fetch(`${errand.url}/readyz`);
    return answer.status === 503 && (await answer.text());
  });
  t.regex(ready, /ANTHROPIC_API_KEY/);
  t.is(model.requests.length, 0, 'nothing was asked of the model');
});

test('at the start, an API that takes the key or does not answer holds nothing', async (t) => {
  const scene = await startModelProxy(t);
  await scene.proxy.tryKey();
  t.is(scene.gate.fault, null);
  const away = await startModelProxy(t, { upstream: { base_url: 'http://127.0.0.1:1' } });
  await away.proxy.tryKey();
  t.is(away.gate.fault, null);
});

for (const status of [401, 403, 404])
  test(`at the start, a gateway that answers ${status} to the question, in its own words, casts no doubt on the key`, async (t) => {
    let asked = 0;
    const gateway = createServer((_request, response) => {
      asked += 1;
      response.writeHead(status).end('<h1>Not here</h1>');
    }).listen(0, '127.0.0.1');
    t.teardown(() => gateway.close());
    await once(gateway, 'listening');
    const { port } = gateway.address() as AddressInfo;
    const { proxy, gate } = await startModelProxy(t, { upstream: { base_url: `http://127.0.0.1:${port}` } });
    await proxy.tryKey();
    await proxy.tryKey();
    // A doubt asks by itself.
    t.is(asked, 2);
    t.is(gate.fault, null);
  });

test('a single refusal holds nothing when the API still takes the key', async (t) => {
  const scene = await startModelProxy(t);
  const held: unknown[] = [];
  const set = scene.gate.set.bind(scene.gate);
  scene.gate.set = (part, fault) => {
    held.push([part, fault]);
    set(part, fault);
  };
  scene.model.fail({ fault: 'status', status: 401, type: 'authentication_error', message: 'invalid x-api-key' });
  await t.throwsAsync(ask(scene), { instanceOf: AuthenticationError });
  await until('the key was tried', () => held.length > 0);
  t.deepEqual(held, [['model', null]]);
});

test('an answer that says nothing of the key, such as that of a gateway, changes nothing', async (t) => {
  const answers = [401, 529, 502, 403, 302, 200];
  const gate = new DispatchGate(SILENT);
  const held: boolean[] = [];
  const accepts = async (): Promise<boolean | undefined> => {
    held.push(gate.of('model') !== null);
    return keyVerdict(answers.shift() ?? 0);
  };
  const watch = new KeyWatch(gate, accepts, { first_ms: 1, max_ms: 1 });
  t.teardown(() => watch.close());
  watch.doubt();
  await until('dispatch goes on', () => answers.length === 0 && gate.fault === null);
  t.deepEqual(held, [false, true, true, true, true, true]);
});

test('dispatch goes on by itself once the key is taken again, and an API that does not answer changes nothing', async (t) => {
  const gate = new DispatchGate(SILENT);
  const answers = [false, undefined, false, true];
  const held: boolean[] = [];
  const accepts = async (): Promise<boolean> => {
    held.push(gate.of('model') !== null);
    const answer = answers.shift();
    if (answer === undefined) throw new Error('There is no network.');
    return answer;
  };
  const watch = new KeyWatch(gate, accepts, { first_ms: 1, max_ms: 1 });
  t.teardown(() => watch.close());
  watch.doubt();
  // Meanwhile it asks only once.
  watch.doubt();
  await until('dispatch goes on', () => answers.length === 0 && gate.fault === null);
  t.deepEqual(held, [false, true, true, true]);
});
