import test from 'ava';
import { dockerTest, whyNot } from '../support/docker.ts';
import { closeEngine } from './engine.ts';
import { FAULTS } from './faults/all.ts';
import { killedTimes } from './faults/coordinator.ts';
import { HISTORY_FAULTS } from './faults/history.ts';
import { runOnce } from './run.ts';
import type { Scene } from './scene.ts';
import { badHistory } from './story.ts';

/* A short run of `npm run chaos`: a fault of each kind, each with a fixed seed. */

/** `npm run chaos` kills it a hundred times, which takes minutes. */
const FEW_KILLS = killedTimes(10);

const CHOSEN = [
  "agent's .git: removed",
  'coordinator: kill -9 after attempt.ended',
  'agent process: SIGSTOP for longer than a lease, SIGCONT',
  'command: fills the disk of the workspaces',
  'callbacks: reordered, some lost',
  'forge: a hook refuses every push',
  'model: blocks that no history may have at one turn, an answer that it refuses at another',
  'disk: full, at the database',
  'dockerd: kill -9 and start, live-restore off',
  'coordinator: kill -9 after handle_event',
  FEW_KILLS.name,
];

const no_docker = await whyNot('errand-agent');

for (const [index, name] of CHOSEN.entries())
  dockerTest(
    `nothing is lost: ${name}`,
    async (t) => {
      t.timeout(600_000);
      const fault = [...FAULTS, FEW_KILLS].find((one) => one.name === name);
      if (!fault) throw new Error(`There is no fault '${name}'.`);
      const { wrong, faults } = await runOnce(index + 1, [fault], 'docker');
      t.deepEqual(wrong, []);
      t.deepEqual(faults, [name], 'the fault was injected');
    },
    no_docker,
  );

test('a run whose fault never happens fails', async (t) => {
  t.timeout(120_000);
  const [fault] = HISTORY_FAULTS;
  if (!fault) throw new Error('There is no fault of the history.');
  // The errand ends before the turn that would have it.
  const prepare = (scene: Scene) => void Object.assign(scene, { turns: [1], manner: badHistory(5, 6) });
  const { wrong, faults } = await runOnce(1, [{ ...fault, prepare }], 'process');
  t.deepEqual(wrong, [`Nothing was tested: '${fault.name}' did not happen.`]);
  t.deepEqual(faults, []);
});

test.after.always(closeEngine);
