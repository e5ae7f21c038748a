import { buffer } from 'node:stream/consumers';
import test from 'ava';
import { createLogger } from '../../../coordinator/base/logger.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { addTask, startAttempt } from '../../support/fixtures.ts';
import { refusal, setListenerScene as start } from '../../support/listener-scene.ts';
import { granted, HOST, plainTarget, setUp, tlsTarget } from '../../support/tunnel-scene.ts';
import { message, record, serverName } from '../../support/client-hello.ts';
import { callWorkerApi } from '../../support/worker-api-call.ts';

test('a task may fetch its assignment a few times a minute, in another attempt too, and other tasks theirs', async (t) => {
  let built = 0;
  const { scene, user_id, where, id, attempt, token } = await start(t, {
    assignment: async () => {
      built++;
      return Buffer.from('{"contract_version":1}');
    },
  });
  const fetchAs = (task: string, bearer: string) =>
    callWorkerApi(where, { path: `/internal/tasks/${task}/assignment`, token: bearer });
  for (let n = 0; n < LIMITS.assignments_per_minute_max; n++) t.is((await fetchAs(id, token)).status, 200);
  t.deepEqual(refusal(await fetchAs(id, token)), [429, 'rate_limited']);
  t.deepEqual(refusal(await fetchAs(id, await scene.tokens.issue(id, attempt))), [429, 'rate_limited']);
  t.is(built, LIMITS.assignments_per_minute_max);
  const other = addTask(scene.log, user_id);
  const other_token = await scene.tokens.issue(other.id, startAttempt(scene.log, other.id, 'worker-two'));
  t.is((await fetchAs(other.id, other_token)).status, 200);
});

test('a task whose tunnels are refused again and again gets none for a while, and the log has no more lines of it', async (t) => {
  const target = await plainTarget(t);
  const lines: string[] = [];
  const logger = createLogger('info', { write: (line) => lines.push(line) });
  const proxy = await setUp(t, target, { egress: 'list', egress_hosts: ['example.com'] }, { logger });
  const max = LIMITS.egress_refusals_per_minute_max;
  const authorities = ['evil.example:443', 'example.com:22', '10.0.0.1:443', 'nonsense'];
  const statuses: number[] = [];
  for (let n = 0; n < max * 2; n++)
    statuses.push((await proxy.connect(authorities[n % authorities.length] ?? '')).status);
  t.true(statuses.slice(0, max).every((status) => status === 403 || status === 400));
  t.is(statuses.at(-1), 429);
  t.is((await proxy.connect('example.com:443')).status, 429);
  const logged = lines.filter((line) => line.includes('tunnel refused')).length;
  // Some time may pass meanwhile, in which a few more are let through.
  t.true(logged >= max && logged < max * 1.5, `${logged} lines`);
});

test('a handshake that is refused counts like a tunnel that is refused, and the destination is left alone then', async (t) => {
  const { target } = await tlsTarget(t);
  const lines: string[] = [];
  const logger = createLogger('info', { write: (line) => lines.push(line) });
  const reached: string[] = [];
  const proxy = await setUp(
    t,
    target,
    { egress: 'registries', egress_hosts: [] },
    { logger, noteUse: (_caller, action) => reached.push(action) },
  );
  const max = LIMITS.egress_refusals_per_minute_max;
  let status = 200;
  // Some time may pass meanwhile, in which a few more are let through.
  for (let n = 0; status === 200 && n < max * 1.5; n++) {
    const connected = await proxy.connect(`${HOST}:443`);
    status = connected.status;
    connected.socket?.end(record(message(serverName('evil.example'))));
    if (connected.socket) t.is((await buffer(connected.socket)).length, 7);
  }
  t.is(status, 429);
  t.true(reached.length >= max);
  t.is(lines.filter((line) => line.includes('tunnel refused')).length, reached.length);
});

test('the tunnels that a task may open in a minute are limited, and one above the limit is no refusal', async (t) => {
  const target = await plainTarget(t);
  const proxy = await setUp(t, target, { egress: 'open', egress_hosts: [] }, { tunnels_per_minute_max: 5 });
  for (let n = 0; n < 5; n++) (await granted(proxy, 'example.com:443')).destroy();
  for (let n = 0; n <= LIMITS.egress_refusals_per_minute_max; n++) {
    const refused = await proxy.connect('example.com:443');
    if (refused.socket === undefined) t.regex(refused.text, /opens too many tunnels/);
    else refused.socket.destroy();
  }
});
