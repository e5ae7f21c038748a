import test from 'ava';
import { ended } from '../support/errand.ts';
import { socketsOf } from '../support/listeners.ts';
import { isAlive } from '../support/processes.ts';
import { Random } from '../support/random.ts';
import { until } from '../support/until.ts';
import { hostileConnection, knownConnections } from './hostile-connection.ts';
import { play, requireNormal } from './play.ts';
import { startScene } from './scene.ts';
import { targetsOf, type Target } from './targets.ts';

/*
 * Hostile bytes on the raw sockets of every listener of a coordinator and a worker. `ERRAND_FUZZ_SEED=… npx ava
 * test/fuzz/` repeats the connections of a run; `ERRAND_FUZZ_CONNECTIONS=…` sets how many there are.
 */

const SEED = Number(process.env['ERRAND_FUZZ_SEED'] ?? Date.now() % 1_000_000);
/** How many random connections each listener gets, after those of the lists. */
const RANDOM_CONNECTIONS = Number(process.env['ERRAND_FUZZ_CONNECTIONS'] ?? 1_500);
const AT_ONCE = 16;
/** After this many connections a normal request is checked. */
const BATCH = 200;
/** How many connections may stay open: those that the worker and its forwarder keep alive. */
const KEPT_SOCKETS_MAX = 50;

/** Rejects, and names the last connections, if the server exits, responds with 500 or fails a normal request. */
async function attack(target: Target): Promise<void> {
  const random = new Random(SEED);
  const connections = [
    ...knownConnections(target),
    ...Array.from({ length: RANDOM_CONNECTIONS }, () => hostileConnection(random, target)),
  ];
  for (let from = 0; from < connections.length; from += BATCH) {
    const recent: string[] = [];
    const rest = connections.slice(from, from + BATCH).values();
    const playRest = async () => {
      for (const connection of rest) {
        recent.push(JSON.stringify(connection).slice(0, 2_000));
        const answer = await play(target, connection);
        if (/^HTTP\/1\.1 500 /m.test(answer)) throw new Error(`The response was ${answer.slice(0, 300)}`);
      }
    };
    try {
      await Promise.all(Array.from({ length: AT_ONCE }, playRest));
      await requireNormal(target);
    } catch (cause) {
      const last = recent.slice(-AT_ONCE).join('\n');
      throw new Error(`ERRAND_FUZZ_SEED=${SEED}, ${target.name}, one of these:\n${last}`, { cause });
    }
  }
}

test('no bytes on any listener end a process, and a normal request is answered afterwards', async (t) => {
  t.timeout(300_000);
  t.log(`ERRAND_FUZZ_SEED=${SEED}`);
  const scene = await startScene(t);
  const { coordinator, worker, api, task_id } = scene;
  const targets = targetsOf(scene);
  t.deepEqual(targets.map(({ name }) => name).sort(), [
    "a worker's forwarder",
    "a worker's own server",
    "a worker's socket of the coordinator",
    'the demo model',
    'the public port',
    "the workers' TCP port",
  ]);
  for (const target of targets) await requireNormal(target);
  const openSockets = () => socketsOf(coordinator.pid).size + socketsOf(worker.pid).size;
  const before = openSockets();

  for (const target of targets) await attack(target);

  for (const target of targets) await requireNormal(target);
  t.is(coordinator.child.exitCode, null);
  t.true(isAlive(worker.pid));
  await until('the connections are closed', () => openSockets() <= before + KEPT_SOCKETS_MAX);
  t.notRegex(coordinator.stdout, /"level":[56]0/);
  scene.finish();
  const done = await ended({ api }, task_id);
  t.deepEqual([done.status, done.attempts.length], ['succeeded', 1]);
});
