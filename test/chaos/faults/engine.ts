import { setTimeout as delay } from 'node:timers/promises';
import { borrowEngine, type Engine } from '../engine.ts';
import type { Fault } from '../fault.ts';
import type { Scene } from '../scene.ts';

const engines = new WeakMap<Scene, Engine>();

/** Runs the scene's workers on an engine that may be killed. */
const prepare =
  (live_restore: boolean) =>
  async (scene: Scene): Promise<void> => {
    const { engine, giveBack } = await borrowEngine();
    await engine.kill();
    await engine.start(live_restore);
    engines.set(scene, engine);
    scene.env['DOCKER_HOST'] = engine.host;
    scene.docker = ['-H', engine.host];
    scene.afterwards.push(giveBack);
  };

const whyNot = async () => (process.getuid?.() === 0 ? undefined : 'only root can start an engine');

const restarts = (name: string, outcome: string, live_restore: boolean): Fault => ({
  name: `dockerd: ${name}`,
  outcome,
  whyNot,
  prepare: prepare(live_restore),
  inject: async (scene, random) => {
    const engine = engines.get(scene);
    if (!engine || !(await scene.moment(random))) return false;
    await engine.kill();
    await delay(random.whole(0, 3_000));
    await engine.start(live_restore);
    return true;
  },
});

export const ENGINE_FAULTS: Fault[] = [
  restarts('kill -9 and start, live-restore on', 'containers keep running and are watched again', true),
  restarts('kill -9 and start, live-restore off', 'its containers die with it; the next attempts resume', false),
  {
    name: 'dockerd: stopped and started, live-restore off',
    outcome: 'its containers stop with it; the next attempts resume',
    whyNot,
    prepare: prepare(false),
    inject: async (scene, random) => {
      const engine = engines.get(scene);
      if (!engine || !(await scene.moment(random))) return false;
      await engine.end();
      await engine.start(false);
      return true;
    },
  },
  {
    name: 'containerd: kill -9',
    outcome: 'containers keep running; the engine restarts it',
    whyNot,
    prepare: prepare(true),
    inject: async (scene, random) => {
      const engine = engines.get(scene);
      if (!engine || !(await scene.moment(random))) return false;
      await engine.killContainerd();
      return true;
    },
  },
  {
    name: 'dockerd: SIGSTOP for some seconds, SIGCONT',
    outcome: 'callbacks do not need it; calls to it wait and are retried',
    whyNot,
    prepare: prepare(true),
    inject: async (scene, random) => {
      const engine = engines.get(scene);
      if (!engine || !(await scene.moment(random))) return false;
      engine.signal('SIGSTOP');
      await delay(random.whole(2_000, 8_000));
      engine.signal('SIGCONT');
      return true;
    },
  },
  {
    name: 'dockerd: down when the coordinator starts',
    outcome: 'tasks wait with the reason and start when it is up',
    whyNot,
    prepare: async (scene) => {
      await prepare(true)(scene);
      await engines.get(scene)?.kill();
    },
    inject: async (scene, random) => {
      await delay(random.whole(1_000, 3_000));
      await engines.get(scene)?.start(true);
      return true;
    },
  },
];
