import test from 'ava';
import { askForPulls } from '../../../../coordinator/forge/pulls/pull-commands.ts';
import type { Right } from '../../../support/forge/apps.ts';
import { testEachForge } from '../../../support/forge/each-forge.ts';
import { isPull } from '../../../support/forge/world.ts';
import { PullsScene } from '../../../support/pulls-scene.ts';

testEachForge('a forge that refuses the checks of a pull request hides nothing else of it', async (t, kind) => {
  const scene = await PullsScene.start(t, { kind });
  const { forge, demo } = scene;
  const errand = scene.errand();
  await scene.work(errand);
  await scene.opened(errand);
  forge.intercept = ({ url = '' }, response) => {
    if (!/\/(check-runs|status|actions)\b/.test(url)) return false;
    response.writeHead(403).end('{"message": "Resource not accessible by personal access token"}');
    return true;
  };
  const issue = demo.issues.find(isPull);
  if (!issue) return t.fail();
  await forge.editPull(demo, issue, { title: 'New title' });
  const pull = await scene.pull(errand, 'it was looked at', ({ title }) => title === 'New title');
  t.is(pull.checks, null);
  t.regex(pull.problem ?? '', /does not let the token read all checks: give it the right to read \w+/);
  t.is(scene.rowOf(errand)?.failures, 0);
  await scene.work(errand, 'The second round', 'second.txt');
  await scene.pull(errand, 'its text tells of the second round', () => issue.body.includes('The second round'));
});

const FAILED = { running: 0, passed: 0, failed: 1, failed_names: ['test'] };
const PASSED = { running: 0, passed: 1, failed: 0, failed_names: [] };

/** What a fine-grained token may read, what of the checks is known then, and which right is missing. */
const CASES: [Right[], object | null, RegExp | null][] = [
  [['actions', 'statuses'], { ...FAILED, passed: 1 }, null],
  [['actions'], FAILED, /the right to read commit statuses\.$/],
  [['statuses'], PASSED, /the right to read Actions\.$/],
  [[], null, /the right to read Actions and commit statuses\.$/],
];

test('a token without the right to check runs tells what it may of the checks, and another token the rest', async (t) => {
  const scene = await PullsScene.start(t, {}, { look_ms_min: 3_600_000, look_ms_max: 3_600_000 });
  const { forge, demo, person } = scene;
  forge.makePrivate(demo);
  const errand = scene.errand();
  const commit = await scene.work(errand);
  await scene.opened(errand);
  const issue = demo.issues.find(isPull);
  if (!issue) return t.fail();
  forge.check(demo, commit, { name: 'test', conclusion: 'failure', log: 'error: one' });
  forge.status(demo, commit, { context: 'ci', state: 'success' });
  const look = async (rights: readonly Right[]) => {
    person.rights = new Set(rights);
    const name = `${issue.title} ${rights.length}`;
    await forge.editPull(demo, issue, { title: name });
    scene.log.write((tx) => askForPulls(tx, scene.user_id, errand.id, {}, new Date().toISOString()));
    return scene.pull(errand, 'it was looked at', ({ title }) => title === name);
  };
  for (const [rights, checks, problem] of CASES) {
    const pull = await look(rights);
    t.like(pull, { checks });
    if (problem === null) t.is(pull.problem, null);
    else t.regex(pull.problem ?? '', problem);
  }
  scene.bot.install();
  const pull = await look([]);
  t.like(pull, { checks: { ...FAILED, passed: 1 }, problem: null });
});

test('a commit has more jobs than a token without the right to check runs reads: none says that all passed', async (t) => {
  const scene = await PullsScene.start(t);
  const { forge, demo, person } = scene;
  forge.makePrivate(demo);
  person.rights = new Set<Right>(['actions', 'statuses']);
  const errand = scene.errand();
  const commit = await scene.work(errand);
  await scene.opened(errand);
  // The newest twenty are read.
  for (const conclusion of ['failure', ...Array.from({ length: 20 }, () => 'success' as const)] as const)
    forge.check(demo, commit, { name: 'test', conclusion, log: '' });
  const pull = await scene.pull(errand, 'it is told', ({ problem }) => problem !== null);
  t.is(pull.checks, null);
  t.regex(pull.problem ?? '', /has more checks .* than are read/);
});

testEachForge('a forge that refuses a new text of a pull request hides nothing else of it', async (t, kind) => {
  const scene = await PullsScene.start(t, { kind });
  const { forge, demo } = scene;
  const errand = scene.errand();
  await scene.work(errand);
  await scene.opened(errand);
  forge.intercept = ({ method }, response) => {
    if (method !== 'PATCH') return false;
    response.writeHead(403).end('{"message": "Repository was archived so is read-only."}');
    return true;
  };
  const commit = await scene.work(errand, 'The second round', 'second.txt');
  forge.check(demo, commit, { name: 'test', conclusion: 'failure' });
  const pull = await scene.pull(errand, 'its check has failed', ({ checks }) => checks?.failed === 1);
  t.regex(pull.problem ?? '', /Repository was archived/);
  t.is(pull.state, 'open');
  const issue = demo.issues.find(isPull);
  forge.intercept = undefined;
  await scene.pull(errand, 'its text is told later', () => issue?.body.includes('The second round') === true);
  await scene.pull(errand, 'nothing is wrong any more', ({ problem }) => problem === null);
});
