import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { workersIn } from '../../support/errand.ts';
import { insisting, type Fault } from '../fault.ts';
import { MB, mountDisk } from '../disk.ts';
import { PACE } from '../pace.ts';
import type { Random } from '../../support/random.ts';
import type { Scene } from '../scene.ts';
import { BURST_TURNS, IN_BURSTS, type Wild } from '../story.ts';

const run = promisify(execFile);

/** The host's pids of the agent's node processes in a container, without its init. */
async function agentPids(scene: Scene, name: string): Promise<number[]> {
  const { stdout } = await run('docker', [...scene.docker, 'top', name, '-eo', 'pid,args']);
  return stdout
    .split('\n')
    .filter((line) => /^\s*\d+\s+node\b.*main\.(ts|cjs)/.test(line))
    .map((line) => Number.parseInt(line, 10));
}

/** Applies a fault to a running worker. An error means that the worker has just gone. */
const toWorker = (act: (scene: Scene, name: string, random: Random) => Promise<void>): Fault['inject'] =>
  insisting(async (scene, random) => {
    const names = workersIn(scene.data_dir);
    if (names.length === 0) return false;
    await act(scene, random.pick(names), random);
    return true;
  });

const signal = (scene: Scene, name: string, what: NodeJS.Signals) =>
  run('docker', [...scene.docker, 'kill', '--signal', what, name]);

async function freeze(scene: Scene, name: string, random: Random): Promise<void> {
  const pids = await agentPids(scene, name);
  if (pids.length === 0) throw new Error('The agent has gone.');
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  await delay(PACE.lease_ms + random.whole(500, 2_000));
  // The container may have been removed meanwhile, as expected.
  for (const pid of await agentPids(scene, name).catch(() => [])) process.kill(pid, 'SIGCONT');
}

const NEXT = 'the next attempt resumes after the last finished turn, with the rest of the spool';

const wild = (name: string, manner: Wild, outcome: string, prepare?: Fault['prepare']): Fault => ({
  name: `command: ${name}`,
  outcome,
  prepare: async (scene, random) => {
    scene.manner = manner;
    await prepare?.(scene, random);
  },
  inject: (scene) => scene.happens('the command runs', () => scene.done.has('wild command')),
});

const ALONE = 'only the command fails; the errand continues';

export const WORKER_FAULTS: Fault[] = [
  wild('a fork bomb', ' with a fork bomb', ALONE),
  wild('more memory than the container has', ' with a hog of memory', ALONE),
  wild(
    '300 MB of output',
    ' with no end of output',
    'the head and the tail of the output are kept; the errand continues',
  ),
  wild('fills the disk of the workspaces', ' with a full disk', ALONE, (scene) =>
    mountDisk(scene, join(scene.data_dir, 'workspaces'), 96 * MB),
  ),
  {
    name: 'container: ignores SIGTERM and every call, and is cancelled',
    outcome: 'it is killed within seconds; the errand is cancelled',
    ends: ['succeeded', 'cancelled'],
    inject: toWorker(async (scene, name) => {
      const pids = await agentPids(scene, name);
      if (pids.length === 0) throw new Error('The agent has gone.');
      for (const pid of pids) process.kill(pid, 'SIGSTOP');
      const id = await scene.taskOf(name);
      await scene.insist(() => scene.api.call('cancelTask', { params: { id } }));
    }),
  },
  {
    name: 'worker: a burst of 10,000 events, during which the coordinator is killed',
    outcome: 'each event is stored once, in order',
    prepare: (scene) => {
      scene.manner = IN_BURSTS;
      scene.turns = [BURST_TURNS];
    },
    inject: async (scene, random) => {
      for (const events of [random.whole(200, 2_000), random.whole(3_000, 8_000)]) {
        if (!(await scene.moment(random, events))) return false;
        await scene.kill();
      }
      return true;
    },
  },
  {
    name: 'agent process: kill -9',
    outcome: NEXT,
    inject: toWorker(async (scene, name) => {
      const pids = await agentPids(scene, name);
      if (pids.length === 0) throw new Error('The agent has gone.');
      for (const pid of pids) process.kill(pid, 'SIGKILL');
    }),
  },
  {
    name: 'container: kill -9',
    outcome: NEXT,
    inject: toWorker(async (scene, name) => void (await signal(scene, name, 'SIGKILL'))),
  },
  {
    name: 'container: SIGTERM',
    outcome: 'the worker pushes its work; the next attempt resumes',
    inject: toWorker(async (scene, name) => void (await signal(scene, name, 'SIGTERM'))),
  },
  {
    name: 'container: removed by hand',
    outcome: NEXT,
    inject: toWorker(async (scene, name) => void (await run('docker', [...scene.docker, 'rm', '-f', name]))),
  },
  {
    name: 'agent process: SIGSTOP for longer than a lease, SIGCONT',
    outcome: 'the attempt is fenced and its container removed; the next attempt resumes',
    inject: toWorker(freeze),
  },
  {
    name: 'container: paused for longer than a lease, then unpaused',
    outcome: 'the attempt is fenced and its container removed; the next attempt resumes',
    inject: toWorker(async (scene, name, random) => {
      await run('docker', [...scene.docker, 'pause', name]);
      await delay(PACE.lease_ms + random.whole(500, 2_000));
      await run('docker', [...scene.docker, 'unpause', name]).catch(() => undefined);
    }),
  },
];
