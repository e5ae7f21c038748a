import test, { type ExecutionContext } from 'ava';
import { askForPulls } from '../../../../coordinator/forge/pulls/pull-commands.ts';
import { PULL_TIMES } from '../../../../coordinator/forge/pulls/pull-schedule.ts';
import { findPull } from '../../../../coordinator/sqlite/pulls.ts';
import type { ForgeKind } from '../../../../protocol/forges.ts';
import type { PullRequest } from '../../../../protocol/pulls.ts';
import { forgeScene } from '../../../support/forge/scene.ts';
import { isPull } from '../../../support/forge/world.ts';
import { addElsewhere, also, pushElsewhere } from '../../../support/pulls-elsewhere.ts';
import { PullsScene, type Elsewhere } from '../../../support/pulls-scene.ts';
import type { StagedErrand } from '../../../support/staged-errand.ts';
import { until } from '../../../support/until.ts';

const now = () => new Date().toISOString();
const bodyIn = ({ repository }: Pick<Elsewhere, 'repository'>) => repository.issues.find(isPull)?.body ?? '';

/** The pull requests of the errand once this many are open. */
const open = (scene: PullsScene, errand: StagedErrand, count: number): Promise<PullRequest[]> =>
  until('they are open', () => {
    const pulls = scene.pullsOf(errand).filter(({ state }) => state === 'open');
    return pulls.length === count ? pulls : undefined;
  });

/** Waits until each of these texts links to the others, and none to itself. */
async function linked(t: ExecutionContext, pulls: PullRequest[], places: Pick<Elsewhere, 'repository'>[]) {
  await until('each text has the links of the others', () =>
    places.every((place, i) => pulls.every(({ url }, j) => i === j || bodyIn(place).includes(url ?? '?'))),
  );
  for (const [i, place] of places.entries()) {
    t.is(place.repository.issues.filter(isPull).length, 1);
    t.false(bodyIn(place).includes(pulls[i]?.url ?? ''));
    t.is(bodyIn(place).match(/Together with/g)?.length, 1);
  }
}

for (const [what, kinds] of Object.entries({
  'two on one forge': ['github'],
  'one on GitHub and one on Gitea': ['gitea'],
  'three on two forges': ['github', 'gitea'],
} satisfies Record<string, ForgeKind[]>))
  test(`${what}: each pushed branch gets one pull request, and each text links to the others`, async (t) => {
    const scene = await PullsScene.start(t);
    const errand = scene.errand('Fix #1 in both');
    const others: Elsewhere[] = [];
    for (const [i, kind] of kinds.entries()) {
      const at = kind === 'github' ? scene : await forgeScene(t, kind);
      others.push(await addElsewhere(scene, at, `other${i}`, { pull_requests: 'draft' }));
    }
    also(scene, errand, ...others);
    for (const other of others) await pushElsewhere(scene, errand, other);
    await scene.work(errand);
    const pulls = (await open(scene, errand, kinds.length + 1)).toSorted(
      (a, b) => order(scene, a.repo_url) - order(scene, b.repo_url),
    );
    await linked(t, pulls, [{ repository: scene.demo }, ...others]);
    t.deepEqual(
      pulls.map(({ draft }) => draft),
      [false, ...others.map(() => true)],
    );
    for (const other of others) t.notRegex(bodyIn(other), /#1\b/);
    for (const { repo_url, project_id } of scene.asked)
      t.is(project_id, scene.elsewhere.get(repo_url)?.project_id ?? scene.project_id);
  });

const order = (scene: PullsScene, repo_url: string) => [...scene.elsewhere.keys()].indexOf(repo_url);

test('a repository that was not changed gets none, and one of no project follows the first', async (t) => {
  const scene = await PullsScene.start(t, { pull_requests: 'draft' });
  const errand = scene.errand();
  const [changed, untouched] = [await addElsewhere(scene, scene, 'changed'), await addElsewhere(scene, scene, 'same')];
  also(scene, errand, changed, untouched);
  await pushElsewhere(scene, errand, changed);
  await scene.work(errand);
  t.true((await open(scene, errand, 2)).every(({ draft }) => draft));
  t.is(untouched.repository.issues.length, 0);
});

test('each project decides for its own repository; a touch opens what is missing, in one repository if that is named', async (t) => {
  const scene = await PullsScene.start(t, { pull_requests: 'ready' });
  const errand = scene.errand();
  const [one, two] = [
    await addElsewhere(scene, scene, 'one', { pull_requests: 'none' }),
    await addElsewhere(scene, scene, 'two', { pull_requests: 'none' }),
  ];
  also(scene, errand, one, two);
  for (const other of [one, two]) await pushElsewhere(scene, errand, other);
  await scene.work(errand);
  await open(scene, errand, 1);
  const ask = (repository?: string) =>
    scene.log.write((tx) =>
      askForPulls(tx, scene.user_id, errand.id, repository === undefined ? {} : { repository }, now()),
    );
  t.throws(() => ask('three'), { message: /no repository three/ });
  ask('two');
  await open(scene, errand, 2);
  t.is(one.repository.issues.length, 0);
  ask();
  t.is((await open(scene, errand, 3)).length, 3);
  t.is(scene.on_forge().length, 1);
});

test('where one cannot be opened, the other is; once it can, both link to each other', async (t) => {
  const scene = await PullsScene.start(t);
  const errand = scene.errand();
  const other = await addElsewhere(scene, await forgeScene(t, 'gitea'), 'other', { pull_requests: 'ready' });
  other.reachable = false;
  also(scene, errand, other);
  await pushElsewhere(scene, errand, other);
  await scene.work(errand);
  await until('the other has failed', () => scene.pullsOf(errand).some(({ state }) => state === 'failed') || undefined);
  t.is((await open(scene, errand, 1))[0]?.repository, 'ada/demo');
  other.reachable = true;
  scene.log.write((tx) => askForPulls(tx, scene.user_id, errand.id, {}, now()));
  const pulls = (await open(scene, errand, 2)).toSorted((a) => (a.repo_url === other.repo_url ? 1 : -1));
  await linked(t, pulls, [{ repository: scene.demo }, other]);
});

test('a person who closes one of two has the other not tried again', async (t) => {
  const scene = await PullsScene.start(t);
  const errand = scene.errand();
  const other = await addElsewhere(scene, scene, 'other', { pull_requests: 'ready' });
  other.reachable = false;
  also(scene, errand, other);
  await pushElsewhere(scene, errand, other);
  await scene.work(errand);
  await until('the other has failed', () => scene.pullsOf(errand).some(({ state }) => state === 'failed') || undefined);
  await open(scene, errand, 1);
  other.reachable = true;
  const [issue] = scene.demo.issues.filter(isPull);
  if (!issue) return t.fail();
  await scene.forge.editPull(scene.demo, issue, { state: 'closed' });
  await scene.pull(errand, 'it is closed', ({ state }) => state === 'closed');
  t.deepEqual(
    scene
      .pullsOf(errand)
      .map(({ state }) => state)
      .toSorted(),
    ['closed', 'failed'],
  );
  t.is(other.repository.issues.length, 0);
});

test('a server that stops between two openings opens the other after its start, and links both', async (t) => {
  const scene = await PullsScene.start(t);
  const errand = scene.errand();
  const other = await addElsewhere(scene, scene, 'other', { pull_requests: 'ready' });
  const stopped = Promise.withResolvers<undefined>();
  const { client } = other;
  // The forge has opened it, and the server that asked is gone before the answer.
  other.client = {
    ...client,
    openPull: async (...call) => {
      const opened = await client.openPull(...call);
      void scene.pulls.stop().then(() => stopped.resolve(undefined));
      throw new Error(`The answer about ${opened.number} is lost.`);
    },
  };
  also(scene, errand, other);
  await pushElsewhere(scene, errand, other);
  await scene.work(errand);
  await stopped.promise;
  other.client = client;
  scene.pulls = scene.open({ ...PULL_TIMES, look_ms_min: 100, look_ms_max: 100 });
  scene.pulls.start();
  t.teardown(() => scene.pulls.stop());
  const pulls = (await open(scene, errand, 2)).toSorted((a) => (a.repo_url === other.repo_url ? 1 : -1));
  await linked(t, pulls, [{ repository: scene.demo }, other]);
  for (const { id, head } of pulls)
    await until('it is told', () => findPull(scene.log.db, id)?.told_commit === head.commit);
});

test('a forge that does not answer leaves room for the pull requests at others', async (t) => {
  const scene = await PullsScene.start(t);
  const other = await addElsewhere(scene, await forgeScene(t, 'gitea'), 'other', { pull_requests: 'ready' });
  const go_on = Promise.withResolvers<undefined>();
  let [asked, most] = [0, 0];
  scene.forge.intercept = async ({ url = '' }, response) => {
    if (!url.endsWith('/repos/ada/demo')) return false;
    most = Math.max(most, ++asked);
    response.once('close', () => asked--);
    await go_on.promise;
    return false;
  };
  const errands = Array.from({ length: 9 }, () => scene.errand());
  for (const errand of errands) await scene.work(errand);
  const both = scene.errand();
  also(scene, both, other);
  await pushElsewhere(scene, both, other);
  await scene.work(both);
  await open(scene, both, 1);
  t.true(most > 0 && most <= 4, `${most}`);
  go_on.resolve(undefined);
  for (const errand of errands) await open(scene, errand, 1);
  await open(scene, both, 2);
});
