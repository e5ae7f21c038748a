import { setTimeout as delay } from 'node:timers/promises';
import { FAILPOINT_REACHED } from '../failpoints.ts';
import type { Fault } from '../fault.ts';
import { PACE } from '../pace.ts';
import { AWAY_MS, type Scene } from '../scene.ts';
import { isAlive } from '../../support/processes.ts';
import { until } from '../../support/until.ts';

const ENTRY_OUTCOME = 'the workers continue and spool their events; the attempt is adopted';

/** The steps before and after which the coordinator is killed: commits of events and calls of the runner. */
const STEPS = {
  'task.created': 'the errand is created once: the client repeats the request with its idempotency key',
  'attempt.started': 'the worker is started once',
  create_container: 'the container is adopted and started',
  start_worker: 'the container is adopted',
  'turn.finished': 'the worker sends the turn again; it is stored once, and the model is not asked again',
  'tool.finished': 'the worker sends the result again; it is stored once',
  'usage.updated': 'the worker repeats a request whose response it did not get',
  'branch.pushed': 'the worker sends the event again; it is stored once',
  'attempt.ended': 'the result is sent again or already stored: the attempt ends once',
  remove_worker: 'the container and its folders are removed at the next start',
  handle_event: 'the durable subscriber gets the event again; it gets each at least once, in order',
};

/** For these, "before" is the same as after the previous step. */
const AFTER_ONLY = ['create_container', 'handle_event'];

/** Killed at random times, up to three times. */
const killed: Fault = {
  name: 'coordinator: kill -9',
  outcome: ENTRY_OUTCOME,
  inject: async (scene, random) => {
    const wanted = random.whole(1, 3);
    let kills = 0;
    for (; kills < wanted && (await scene.moment(random)); kills++) {
      await scene.kill();
      await delay(random.whole(0, 1_000));
      await scene.up();
    }
    return kills > 0;
  },
};

/** Down for longer than a lease. */
const down: Fault = {
  name: 'coordinator: kill -9, and down for longer than a lease',
  outcome: ENTRY_OUTCOME,
  inject: async (scene, random) => {
    if (!(await scene.moment(random))) return false;
    scene.away_ms = PACE.lease_ms + random.whole(500, 4_000);
    await scene.kill();
    await scene.up();
    scene.away_ms = AWAY_MS;
    return true;
  },
};

/** A clean restart, as for an upgrade. */
const restarted: Fault = {
  name: 'coordinator: SIGTERM and restart',
  outcome: 'it stops cleanly, its workers continue; the attempt is adopted',
  inject: async (scene, random) => {
    if (!(await scene.moment(random))) return false;
    // Another fault of the run may kill it first: then the next one is stopped.
    for (;;) {
      await scene.up();
      const { coordinator } = scene;
      if (!coordinator || !isAlive(coordinator.pid)) continue;
      const { code } = await coordinator.stop();
      if (code === 0) break;
      if (code !== null) throw new Error(`It ended with ${code}.`);
    }
    await scene.up();
    return true;
  },
};

/** Killed again and again in one errand, each time after at least one new event. */
export const killedTimes = (kills: number): Fault => ({
  name: `coordinator: kill -9, ${kills} times in one errand`,
  outcome: 'the errand succeeds; a client that follows misses nothing',
  prepare: (scene) => void (scene.turns = [kills]),
  inject: async (scene, random) => {
    for (let nth = 0; nth < kills; nth++) {
      const [phone] = scene.phones;
      if (!(await scene.moment(random, (phone?.events.length ?? 0) + 1)))
        throw new Error(`The errand ended after ${nth} kills.`);
      await scene.kill();
      // On a busy machine the run outlasts an access token.
      if (nth % 25 === 24) await scene.logIn();
    }
    await scene.up();
    return true;
  },
});

const killedAt = (at: 'before' | 'after', step: string, outcome: string): Fault => ({
  name: `coordinator: kill -9 ${at} ${step}`,
  outcome,
  prepare: (scene, random) => {
    // Steps that occur often are also hit in the middle of an errand.
    const nth = /^(turn|tool|usage|handle)/.test(step) ? random.whole(1, 4) : 1;
    scene.program = [...scene.program.slice(0, 1), `${at}:${step}:${nth}`];
  },
  inject: async (scene) => {
    // Another fault may kill it elsewhere.
    const died = () => scene.output.includes(FAILPOINT_REACHED);
    await until('the coordinator died there', async () => died() || (await scene.allEnded()), 120_000);
    // A worker is removed after the end of its errand.
    const after = until('the coordinator died while it removed the worker', died, 5_000).catch(() => false);
    if (!died() && !(await after)) return false;
    await scene.up();
    return true;
  },
});

/** Stopped for longer than a lease, like a suspended machine: no lease may expire because of it. */
const asleep: Fault = {
  name: 'coordinator: SIGSTOP for longer than a lease, SIGCONT',
  outcome: 'no attempt is lost: leases do not expire while the coordinator is stopped',
  inject: async (scene, random) => {
    if (!(await scene.moment(random))) return false;
    // Another fault may have killed it: then this waits for the next one.
    const stopped = await until('a coordinator is stopped', () => {
      const { coordinator } = scene;
      return coordinator?.child.kill('SIGSTOP') === true && coordinator;
    });
    await delay(PACE.lease_ms + random.whole(500, 2_000));
    stopped.child.kill('SIGCONT');
    await scene.up();
    return true;
  },
};

/** A second server on the same data folder. */
const second: Fault = {
  name: 'coordinator: a second one on the same data folder',
  outcome: 'it refuses to start and changes nothing',
  inject: async (scene: Scene, random) => {
    if (!(await scene.moment(random))) return false;
    const ended = await scene.another();
    if (!ended) return false;
    const { code, stderr } = ended;
    if (code !== 1 || !stderr.includes('Another Errand is running'))
      throw new Error(`It ended with ${code}: ${stderr}`);
    return true;
  },
};

export const COORDINATOR_FAULTS: Fault[] = [
  killed,
  down,
  restarted,
  killedTimes(100),
  asleep,
  second,
  ...Object.entries(STEPS).flatMap(([step, outcome]) =>
    (AFTER_ONLY.includes(step) ? (['after'] as const) : (['before', 'after'] as const)).map((at) =>
      killedAt(at, step, outcome),
    ),
  ),
];
