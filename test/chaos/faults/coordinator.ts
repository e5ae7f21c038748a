import { setTimeout as delay } from 'node:timers/promises';
import type { Fault } from '../fault.ts';
import { PACE } from '../pace.ts';
import { AWAY_MS, type Scene } from '../scene.ts';
import { isAlive } from '../../support/processes.ts';
import { until } from '../../support/until.ts';

const ENTRY_OUTCOME = 'the workers go on and keep their events; the attempt is adopted';

/** The steps around which the coordinator is killed: what is stored, and what is asked of the runner. */
const STEPS = {
  'task.created': 'the errand was not acknowledged and is sent again with its key, or it is there: once',
  'attempt.started': 'the worker is started, once',
  create_container: 'the container is adopted and started',
  start_worker: 'the container is adopted',
  'turn.finished': 'the worker sends the turn again; it is stored once, and never asked for again',
  'tool.finished': 'the worker sends the result again; it is stored once',
  'usage.updated': 'the worker asks again for an answer that it never got',
  'branch.pushed': 'the worker sends it again; it is stored once',
  'attempt.ended': 'the result is sent again, or known: one end',
  remove_worker: 'the container and its folders are removed at the next start',
  handle_event: 'the durable subscriber gets the event again; it gets each at least once, in order',
};

/** Nothing is to be found out between these and the step before them. */
const AFTER_ONLY = ['create_container', 'handle_event'];

/** Killed in the middle of anything, some times in a row. */
const killed: Fault = {
  name: 'coordinator: kill -9',
  outcome: ENTRY_OUTCOME,
  inject: async (scene, random) => {
    for (let left = random.whole(1, 3); left > 0; left--) {
      if (!(await scene.moment(random))) return false;
      await scene.kill();
      await delay(random.whole(0, 1_000));
      await scene.up();
    }
    return true;
  },
};

/** Away for so long that every lease would have ended. */
const away: Fault = {
  name: 'coordinator: kill -9, and away for longer than a lease',
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

/** As an upgrade does it. */
const restarted: Fault = {
  name: 'coordinator: SIGTERM, and started again',
  outcome: 'it ends in order, its workers go on; the attempt is adopted',
  inject: async (scene, random) => {
    if (!(await scene.moment(random))) return false;
    const { coordinator } = scene;
    process.kill(coordinator?.pid ?? 0, 'SIGTERM');
    const ended = await coordinator?.ended;
    if (ended?.code !== 0) throw new Error(`It ended with ${ended?.code}.`);
    await scene.up();
    return true;
  },
};

const KILLS = 100;

/** A hundred times in one errand: again as soon as something came of it since. */
export const hundredKills: Fault = {
  name: `coordinator: kill -9, ${KILLS} times in one errand`,
  outcome: 'the errand succeeds; a client that follows misses nothing',
  prepare: (scene) => void (scene.turns = [KILLS]),
  inject: async (scene, random) => {
    for (let kills = 0; kills < KILLS; kills++) {
      const [phone] = scene.phones;
      if (!(await scene.moment(random, (phone?.events.length ?? 0) + 1)))
        throw new Error(`The errand ended after ${kills} kills.`);
      await scene.kill();
    }
    await scene.up();
    return true;
  },
};

const killedAt = (at: 'before' | 'after', step: string, outcome: string): Fault => ({
  name: `coordinator: kill -9 ${at} ${step}`,
  outcome,
  prepare: (scene, random) => {
    // What there is many of happens in the middle of an errand too.
    const nth = /^(turn|tool|usage|handle)/.test(step) ? random.whole(1, 4) : 1;
    scene.program = [...scene.program.slice(0, 1), `${at}:${step}:${nth}`];
  },
  inject: async (scene) => {
    const died = () => scene.starts > 1;
    await until('the coordinator died there', async () => died() || (await scene.allEnded()), 120_000);
    // A worker is cleared away after the end of its errand.
    const after = until('it died in clearing away', died, 5_000).catch(() => false);
    if (!died() && !(await after)) return false;
    await scene.up();
    return true;
  },
});

/** Stopped for longer than a lease, as by a machine that was put to sleep: nobody's lease may be held against it. */
const asleep: Fault = {
  name: 'coordinator: SIGSTOP for longer than a lease, SIGCONT',
  outcome: 'no attempt is lost: nobody could have been heard meanwhile',
  inject: async (scene, random) => {
    if (!(await scene.moment(random))) return false;
    const pid = scene.coordinator?.pid ?? 0;
    process.kill(pid, 'SIGSTOP');
    await delay(PACE.lease_ms + random.whole(500, 2_000));
    if (isAlive(pid)) process.kill(pid, 'SIGCONT');
    await scene.up();
    return true;
  },
};

/** A second server on the same data folder. */
const second: Fault = {
  name: 'coordinator: a second one on the same data',
  outcome: 'it refuses to start, and harms nothing',
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
  away,
  restarted,
  hundredKills,
  asleep,
  second,
  ...Object.entries(STEPS).flatMap(([step, outcome]) =>
    (AFTER_ONLY.includes(step) ? (['after'] as const) : (['before', 'after'] as const)).map((at) =>
      killedAt(at, step, outcome),
    ),
  ),
];
