import test from 'ava';
import type { PullRequest } from '../../../../protocol/pulls.ts';
import { testEachForge } from '../../../support/forge/each-forge.ts';
import { taskOf } from '../../../support/fixtures.ts';
import { PullsScene } from '../../../support/pulls-scene.ts';

const hasConflicts = ({ conflicts }: PullRequest) => conflicts === true;
const wasLookedAt = ({ checks }: PullRequest) => checks !== null;

testEachForge('a pull request says that it conflicts with its base, until it does not', async (t, kind) => {
  const scene = await PullsScene.start(t, { kind });
  const { forge, demo } = scene;
  const errand = scene.errand();
  await scene.work(errand, 'One way');
  t.false((await scene.pull(errand, 'it was looked at', wasLookedAt)).conflicts);
  await forge.push(demo, 'main', { 'parser.txt': 'Another way' });
  await scene.pull(errand, 'the base has another change', hasConflicts);
  await forge.push(demo, 'main', { 'parser.txt': 'One way' });
  await scene.pull(errand, 'the base has the same change', ({ conflicts }) => conflicts === false);
  const told = scene.told(errand).filter((event) => event.includes('conflicts'));
  t.deepEqual(told, ['pull.changed open conflicts', 'pull.changed open conflicts']);
});

testEachForge('a draft without conflicts has none', async (t, kind) => {
  const scene = await PullsScene.start(t, { kind, pull_requests: 'draft' });
  const errand = scene.errand();
  await scene.work(errand);
  t.like(await scene.pull(errand, 'it was looked at', wasLookedAt), { draft: true, conflicts: false });
});

test('a forge that does not know whether there are conflicts changes nothing; a new commit has none yet', async (t) => {
  const scene = await PullsScene.start(t);
  const { forge, demo, client } = scene;
  const errand = scene.errand();
  await scene.work(errand, 'One way');
  await scene.pull(errand, 'it was looked at', wasLookedAt);
  const { pull } = client;
  let looks = 0;
  const unknown: typeof pull = async (...call) => {
    looks += 1;
    return { ...(await pull(...call)), conflicts: null };
  };
  client.pull = unknown;
  const looked = async () => {
    const seen = looks;
    await scene.pull(errand, 'it was looked at', () => looks >= seen + 4);
    return scene.pullsOf(errand)[0]?.conflicts;
  };
  t.false(await looked());
  client.pull = pull;
  await forge.push(demo, 'main', { 'parser.txt': 'Another way' });
  await scene.pull(errand, 'the base has another change', hasConflicts);
  client.pull = unknown;
  t.true(await looked());
  await forge.push(demo, taskOf(scene.log, errand.id).branch, { 'other.txt': 'By a person' });
  t.false(await looked());
});
