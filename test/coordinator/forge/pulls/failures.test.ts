import { askForPulls } from '../../../../coordinator/forge/pulls/pull-commands.ts';
import type { PullRequest } from '../../../../protocol/pulls.ts';
import { taskOf } from '../../../support/fixtures.ts';
import { testEachForge } from '../../../support/forge/each-forge.ts';
import { isPull } from '../../../support/forge/world.ts';
import { PullsScene } from '../../../support/pulls-scene.ts';

const hasProblem = (words: RegExp) => (pull: PullRequest) => words.test(pull.problem ?? '');

type Case = {
  before: (scene: PullsScene, branch: string) => void | Promise<void>;
  problem: RegExp;
  state: PullRequest['state'];
};

/** What can happen while an errand works, and what the person is told when it has pushed. */
const CASES: Record<string, Case> = {
  'the token was revoked': {
    before: ({ person }) => void (person.revoked = true),
    problem: /does not take the token any more: link your account/,
    state: 'failed',
  },
  'there is no token': {
    before: (scene) => void (scene.has_token = false),
    problem: /no token for 127\.0\.0\.1:\d+: link your account.* is pushed/,
    state: 'failed',
  },
  'the base branch is gone': {
    before: ({ log }) => void log.db.prepare(`UPDATE tasks SET base_branch = 'gone'`).run(),
    problem: /branch gone, which the errand started from, is gone/,
    state: 'failed',
  },
  'the base has all commits of the branch': {
    before: async ({ forge, demo }, branch) => {
      const draft = { title: 'By hand', body: '', head: branch, base: 'main', draft: false };
      await forge.merge(demo, await forge.openPull(demo, demo.owner, draft), demo.owner);
    },
    problem: /main has all commits of the branch already/,
    state: 'failed',
  },
  'the repository is shown to the token no more': {
    before: ({ forge, demo, person }) => {
      forge.makePrivate(demo);
      const bob = forge.world.people.find(({ login }) => login === 'bob');
      demo.permissions.clear();
      person.person = bob ?? null;
    },
    problem: /shows no such repository to the token/,
    state: 'failed',
  },
  'the repository was deleted': {
    before: ({ forge, demo }) => forge.remove(demo),
    problem: /shows no such repository to the token/,
    state: 'failed',
  },
};

for (const [name, { before, problem, state }] of Object.entries(CASES))
  testEachForge(
    `${name}: the errand has succeeded all the same, and says why there is no pull request`,
    async (t, kind) => {
      const scene = await PullsScene.start(t, { kind });
      const errand = scene.errand();
      const { branch } = taskOf(scene.log, errand.id);
      errand.begin();
      const commit = await scene.forge.push(scene.demo, branch, { 'a.txt': 'a' });
      await before(scene, branch);
      const diff_stat = { files: 1, insertions: 1, deletions: 0 };
      errand.end('succeeded', null, { summary: 'Done', branch, commit, base_commit: null, diff_stat });
      const pull = await scene.pull(errand, 'it says why', hasProblem(problem));
      t.is(pull.state, state);
      t.is(taskOf(scene.log, errand.id).status, 'succeeded');
      t.false(JSON.stringify(scene.pullsOf(errand)).includes(scene.person.value));
      t.false(scene.lines.join('').includes(scene.person.value));
    },
  );

testEachForge(
  'a forge that is away is asked again with backoff, which shows, and then the pull request is there',
  async (t, kind) => {
    const scene = await PullsScene.start(t, { kind });
    const errand = scene.errand();
    scene.away = true;
    await scene.work(errand);
    const pull = await scene.pull(errand, 'it says that it is retried', hasProblem(/does not answer/));
    t.is(pull.state, 'opening');
    t.truthy(pull.retry_at);
    scene.away = false;
    t.is((await scene.opened(errand)).problem, null);
    t.is(scene.on_forge().length, 1);
  },
);

testEachForge(
  'a forge that stays away for as long as opening may take is not asked again until the person does',
  async (t, kind) => {
    const scene = await PullsScene.start(t, { kind }, { give_up_ms: 200 });
    const errand = scene.errand();
    scene.away = true;
    await scene.work(errand);
    const { retry_at } = await scene.pull(errand, 'it is given up', ({ state }) => state === 'failed');
    t.is(retry_at, null);
    scene.away = false;
    scene.log.write((tx) => askForPulls(tx, scene.user_id, errand.id, {}, new Date().toISOString()));
    await scene.opened(errand);
  },
);

testEachForge('a repository that was renamed goes on under its new name', async (t, kind) => {
  const scene = await PullsScene.start(t, { kind });
  const [before, after] = [scene.errand(), scene.errand('Another')];
  await scene.work(before);
  await scene.opened(before);
  await scene.forge.rename(scene.demo, 'renamed');
  await scene.work(after, 'Another', 'another.txt');
  t.is((await scene.opened(after)).repository, 'ada/renamed');
  const [issue] = scene.demo.issues.filter(isPull);
  if (!issue) return t.fail();
  await scene.forge.editPull(scene.demo, issue, { title: 'New' });
  await scene.pull(before, 'the old one is found under the new name', ({ title }) => title === 'New');
});

testEachForge(
  'a token that is revoked later shows at the open pull request, and a new one makes it good',
  async (t, kind) => {
    const scene = await PullsScene.start(t, { kind });
    const errand = scene.errand();
    await scene.work(errand);
    await scene.opened(errand);
    scene.person.revoked = true;
    const pull = await scene.pull(errand, 'it says so', hasProblem(/link your account/));
    t.is(pull.state, 'open');
    scene.person.revoked = false;
    await scene.pull(errand, 'it is good again', ({ problem }) => problem === null);
  },
);

testEachForge('a branch that a person has deleted meanwhile is said to be gone', async (t, kind) => {
  const scene = await PullsScene.start(t, { kind });
  const errand = scene.errand();
  errand.begin();
  const { branch } = taskOf(scene.log, errand.id);
  const diff_stat = { files: 1, insertions: 1, deletions: 0 };
  errand.end('succeeded', null, { summary: 'Done', branch, commit: 'a'.repeat(40), base_commit: null, diff_stat });
  const pull = await scene.pull(errand, 'it says why', hasProblem(/is not in the repository any more/));
  t.is(pull.state, 'failed');
});

testEachForge(
  'a person who may not read the repository any more is told so, and of nothing that happens there',
  async (t, kind) => {
    const scene = await PullsScene.start(t, { kind, pull_author: 'app' });
    scene.bot.install();
    const errand = scene.errand();
    await scene.work(errand);
    await scene.pull(errand, 'it is open', ({ state }) => state === 'open');
    const { forge, demo, person, log } = scene;
    const owner = person.person;
    person.person = forge.world.people.find(({ login }) => login === 'bob') ?? null;
    for (const who of demo.permissions.keys()) if (who !== scene.bot.person) demo.permissions.delete(who);
    forge.makePrivate(demo);
    const issue = demo.issues.find(isPull);
    if (!issue) return t.fail();
    await forge.editPull(demo, issue, { title: 'The secret plan' });
    const look = () => log.write((tx) => askForPulls(tx, scene.user_id, errand.id, {}, new Date().toISOString()));
    look();
    const pull = await scene.pull(errand, 'it says why', hasProblem(/You may not read ada\/demo any more/));
    t.not(pull.title, 'The secret plan');
    person.person = owner;
    look();
    t.is((await scene.pull(errand, 'it goes on', ({ problem }) => problem === null)).title, 'The secret plan');
  },
);
