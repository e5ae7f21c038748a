import test from 'ava';
import { noteForgeChange } from '../../../../coordinator/forge/pulls/note-forge-change.ts';
import type { PullRequest } from '../../../../protocol/pulls.ts';
import { testEachForge } from '../../../support/forge/each-forge.ts';
import { isPull } from '../../../support/forge/world.ts';
import { PullsScene } from '../../../support/pulls-scene.ts';
import { until } from '../../../support/until.ts';

/** Nothing is looked at by itself: what is learned comes from the forge's webhooks. */
const NEVER = { look_ms_min: 3_600_000, look_ms_max: 3_600_000 };

/** Handles the webhooks that have come since the last call, as their intake does. */
function intake(scene: PullsScene): () => Promise<void> {
  const forge_id = scene.addForge();
  let handled = 0;
  return async () => {
    for (const sent of scene.sent().slice(handled)) {
      handled++;
      const event = await scene.read(sent);
      if (event) scene.log.write((tx) => noteForgeChange(tx, forge_id, event, new Date().toISOString()));
    }
  };
}

testEachForge(
  'what webhooks say of a pull request shows at once: checks, draft, title, closed, open again, merged',
  async (t, kind) => {
    const scene = await PullsScene.start(t, { kind, pull_requests: 'draft' }, NEVER);
    const deliver = intake(scene);
    const errand = scene.errand();
    const commit = await scene.work(errand);
    await scene.opened(errand);
    const [issue] = scene.demo.issues.filter(isPull);
    if (!issue) return t.fail();
    const { forge, demo } = scene;
    const seen = async (what: string, holds: Parameters<PullsScene['pull']>[2]) => {
      await deliver();
      await scene.pull(errand, what, holds);
    };
    forge.check(demo, commit, { name: 'lint', conclusion: 'success' });
    await seen('a check has passed', ({ checks }) => checks?.passed === 1);
    const failed = forge.check(demo, commit, { name: 'test', conclusion: 'failure', log: 'Error\n' });
    await seen('a check has failed', ({ checks }) => checks?.failed_names.join() === 'test');
    const [page] = (await scene.pull(errand, 'it is known', () => true)).checks?.failed_urls ?? [];
    t.regex(page ?? '', new RegExp(`^${forge.origin}/.+/actions/runs/.*\\b${failed.id}\\b`), 'the page with its log');
    await forge.editPull(demo, issue, { draft: false });
    await seen('it is ready', ({ draft }) => !draft);
    await forge.editPull(demo, issue, { title: 'Better' });
    await seen('it has another title', ({ title }) => title === 'Better');
    await forge.editPull(demo, issue, { state: 'closed' });
    await seen('it is closed', ({ state }) => state === 'closed');
    await forge.editPull(demo, issue, { state: 'open' });
    await seen('it is open again', ({ state }) => state === 'open');
    await forge.merge(demo, issue, demo.owner);
    await seen('it is merged', ({ state }) => state === 'merged');
    const told = scene.told(errand);
    for (const event of ['pull.changed open checks', 'pull.changed closed state', 'pull.changed merged state'])
      t.true(told.includes(event), told.join('\n'));
  },
);

testEachForge('a check that passes beside others is no event: what they say together is one', async (t, kind) => {
  const scene = await PullsScene.start(t, { kind }, NEVER);
  const deliver = intake(scene);
  const errand = scene.errand();
  const commit = await scene.work(errand);
  await scene.opened(errand);
  for (const name of ['one', 'two', 'three']) {
    scene.forge.check(scene.demo, commit, { name, conclusion: 'success' });
    await deliver();
    await until(
      'it is counted',
      () => scene.pullsOf(errand)[0]?.checks?.passed === scene.demo.checks.length || undefined,
    );
  }
  t.is(scene.told(errand).filter((event) => event === 'pull.changed open checks').length, 1);
});

testEachForge('a push of a person makes the checks of the commit before void', async (t, kind) => {
  const scene = await PullsScene.start(t, { kind }, NEVER);
  const deliver = intake(scene);
  const errand = scene.errand();
  const commit = await scene.work(errand);
  const { head } = await scene.opened(errand);
  scene.forge.check(scene.demo, commit, { name: 'test', conclusion: 'failure' });
  await deliver();
  await scene.pull(errand, 'it has failed', ({ checks }) => checks?.failed === 1);
  const next = await scene.forge.push(scene.demo, head.branch, { 'more.txt': 'more' });
  const [issue] = scene.demo.issues.filter(isPull);
  if (!issue) return t.fail();
  await scene.forge.editPull(scene.demo, issue, { title: 'Pushed' });
  await deliver();
  const holds = (pull: PullRequest) => pull.head.commit === next && pull.checks?.failed === 0;
  t.is((await scene.pull(errand, 'the commit is new', holds)).state, 'open');
});

testEachForge('a repository that was renamed shows under its new name with the next webhook', async (t, kind) => {
  const scene = await PullsScene.start(t, { kind }, NEVER);
  const deliver = intake(scene);
  const errand = scene.errand();
  await scene.work(errand);
  await scene.opened(errand);
  await scene.forge.rename(scene.demo, 'renamed');
  // Gitea tells of no renaming by itself.
  const [issue] = scene.demo.issues.filter(isPull);
  if (kind === 'gitea' && issue) await scene.forge.editPull(scene.demo, issue, { title: 'Better' });
  await deliver();
  const holds = ({ repository, url }: PullRequest) => repository === 'ada/renamed' && url?.includes('/ada/renamed/');
  t.is((await scene.pull(errand, 'it has its new name', (pull) => holds(pull) === true)).state, 'open');
});

testEachForge('a repository that was deleted is looked at, and its pull request says so', async (t, kind) => {
  const scene = await PullsScene.start(t, { kind }, NEVER);
  const deliver = intake(scene);
  const errand = scene.errand();
  await scene.work(errand);
  await scene.opened(errand);
  await scene.forge.remove(scene.demo);
  await deliver();
  const gone = await scene.pull(errand, 'it is gone', ({ problem }) => /no such repository/.test(problem ?? ''));
  t.is(gone.state, 'open');
});

testEachForge(
  'a forged event that a repository is called otherwise only causes a look at the real one',
  async (t, kind) => {
    const scene = await PullsScene.start(t, { kind }, NEVER);
    const forge_id = scene.addForge();
    const errand = scene.errand();
    await scene.work(errand);
    const { title } = await scene.opened(errand);
    const [issue] = scene.demo.issues.filter(isPull);
    if (!issue) return t.fail();
    for (const action of ['renamed', 'transferred', 'privatized', 'deleted'] as const) {
      const now = `${title} ${action}`;
      await scene.forge.editPull(scene.demo, issue, { title: now });
      const clone_url = 'https://forge.example/mallory/bait.git';
      const id = String(scene.demo.id);
      const repository = { id, owner: 'mallory', name: 'bait', clone_url, default_branch: 'main' };
      const sender = { id: '666', login: 'mallory', name: null, email: null, bot: false };
      const event = { type: 'repository' as const, action, repository, sender, delivery_id: action, at: null };
      scene.log.write((tx) => noteForgeChange(tx, forge_id, event, new Date().toISOString()));
      t.is(scene.pullsOf(errand)[0]?.repository, 'ada/demo');
      t.is((await scene.pull(errand, 'it was looked at', (pull) => pull.title === now)).repository, 'ada/demo');
    }
  },
);

test('a status whose forge names another branch of its commit first is one of the pull request too', async (t) => {
  const scene = await PullsScene.start(t, {}, NEVER);
  const forge_id = scene.addForge();
  const errand = scene.errand();
  const commit = await scene.work(errand);
  await scene.opened(errand);
  scene.forge.status(scene.demo, commit, { context: 'ci', state: 'success' });
  const sent = scene.sent().at(-1);
  const event = sent && (await scene.read(sent));
  if (event?.type !== 'check') return t.fail();
  const other = { ...event, branch: 'also-there' };
  scene.log.write((tx) => noteForgeChange(tx, forge_id, other, new Date().toISOString()));
  await scene.pull(errand, 'its check has passed', ({ checks }) => checks?.passed === 1);
  t.pass();
});
