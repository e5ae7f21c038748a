import Anthropic from '@anthropic-ai/sdk';
import test from 'ava';
import { DispatchGate } from '../../../../coordinator/tasks/dispatch-gate.ts';
import { KeyWatch } from '../../../../coordinator/worker-api/model/key-watch.ts';
import { ASK, startModelProxy, type ModelProxyScene } from '../../../support/model-proxy-scene.ts';
import { SILENT } from '../../../support/silent.ts';
import { until } from '../../../support/until.ts';

const ask = ({ client }: ModelProxyScene) => client.messages.create(ASK, { maxRetries: 0 });
const asksForModels = ({ model }: ModelProxyScene) =>
  model.requests.filter(({ path }) => path.startsWith('/v1/models'));

test('while the API refuses the key of the server, dispatch is held, and the reason names the setting', async (t) => {
  const scene = await startModelProxy(t, { upstream: { api_key: 'mistyped' } });
  await t.throwsAsync(ask(scene), { instanceOf: Anthropic.AuthenticationError });
  const fault = await until('dispatch is held', () => scene.gate.fault ?? undefined);
  t.regex(fault, /ANTHROPIC_API_KEY/);
  t.notRegex(fault, /mistyped/);
});

test('a single refusal stops nothing when the API still takes the key', async (t) => {
  const scene = await startModelProxy(t);
  scene.model.fail({ fault: 'status', status: 401, type: 'authentication_error', message: 'invalid x-api-key' });
  await t.throwsAsync(ask(scene), { instanceOf: Anthropic.AuthenticationError });
  const asked = await until('the key is tried', () => asksForModels(scene)[0]);
  await asked.ended;
  t.is(scene.gate.fault, null);
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
