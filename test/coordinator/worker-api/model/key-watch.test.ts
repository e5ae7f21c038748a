import { AuthenticationError } from '@anthropic-ai/sdk';
import test from 'ava';
import { keyVerdict } from '../../../../coordinator/domain/key-verdict.ts';
import { DispatchGate } from '../../../../coordinator/tasks/dispatch-gate.ts';
import { KeyWatch } from '../../../../coordinator/worker-api/model/key-watch.ts';
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
