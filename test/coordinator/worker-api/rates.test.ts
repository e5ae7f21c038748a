import test from 'ava';
import { createLogger } from '../../../coordinator/base/logger.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { addTask, startAttempt } from '../../support/fixtures.ts';
import { refusal, setListenerScene as start } from '../../support/listener-scene.ts';
import { plainTarget, setUp } from '../../support/tunnel-scene.ts';
import { callWorkerApi } from '../../support/worker-api-call.ts';

test('a task may fetch its assignment a few times a minute, in another attempt too, and other tasks theirs', async (t) => {
  let built = 0;
  const { scene, user_id, where, id, attempt, token } = await start(t, {
    assignment: async () => {
      built++;
      return JSON.parse('{"contract_version":1}');
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
