import test from 'ava';
import { listHeardTo } from '../../../../coordinator/sqlite/heard-repositories.ts';
import { insertTaskRepository, putRepositoryResult } from '../../../../coordinator/sqlite/task-repositories.ts';
import { away } from '../../../support/forge/away.ts';
import { tellPush } from '../../../support/forge/do-work.ts';
import { IntakeScene } from '../../../support/forge/intake-scene.ts';
import { until } from '../../../support/until.ts';

const [FIRST, SECOND] = ['b'.repeat(40), 'd'.repeat(40)];

/** An errand of ada's in `demo` and `shop` that has an open pull request in each. */
async function twoPulls(scene: IntakeScene, project_id: string | null) {
  const { github, ada, bob, demo } = scene;
  const shop = await github.world.addRepository({ owner: ada, name: 'shop', permissions: { bob: 'write' } });
  github.openIssue(demo, ada, { title: 'It fails', body: '@errand fix it' });
  await scene.deliver();
  const { id } = scene.task;
  const repo_url = `${github.origin}/ada/shop.git`;
  const row = { task_id: id, n: 1, key: 'shop', repo_url, project_id, base_branch: null, work_branch: null };
  scene.log.write(({ db }) => insertTaskRepository(db, row));
  const first = await scene.addPull(scene.task);
  const second = await scene.addPull(scene.task, ada, shop);
  const push = (commit: string) => {
    const diff_stat = { files: 1, insertions: 1, deletions: 0 };
    tellPush(scene.log, id, commit, 'shop');
    const outcome = { branch: scene.task.branch, commit, base_commit: null, diff_stat };
    const diff = { diff: '', truncated: false };
    scene.log.write(({ db }) => putRepositoryResult(db, id, 'shop', outcome, diff, new Date().toISOString()));
  };
  push(second.commit);
  await scene.work(id, 'Done.', first.commit);
  await scene.deliver();
  return { id, shop, demo, bob, github, first, second, push };
}

const words = (pull: { pull: { comments: { body: string }[] } }) => pull.pull.comments.map(({ body }) => body);

test('a review in the second repository reaches the errand, and is answered there with the commit of there', async (t) => {
  const scene = await IntakeScene.start(t);
  const { id, shop, bob, github, first, second, push } = await twoPulls(scene, null);
  const [before_first, before_second] = [words(first.pull).length, words(second.pull).length];
  const comments = ['Why two?', 'Typo.'].map((body, i) => ({ path: 'a.txt', line: i + 1, body }));
  await github.review(shop, second.pull, bob, { state: 'CHANGES_REQUESTED', comments });
  await scene.deliver();
  const [message = '', ...others] = scene.messages(id);
  t.is(others.length, 0);
  t.regex(message, /ada\/shop\/pull\/1/);
  push(SECOND);
  await scene.work(id, '[1] fixed: one now\n[2] not changed: it is right', first.commit);
  const answers = words(second.pull).slice(before_second + 2);
  t.is(answers.length, 2);
  t.regex(answers[0] ?? '', new RegExp(`Fixed \\(${SECOND.slice(0, 12)}\\)\\. one now`));
  t.regex(answers[1] ?? '', /Not changed\. it is right/);
  t.is(words(first.pull).length, before_first);
});

test('what was fixed in the first repository alone is not said to be fixed in the second', async (t) => {
  const scene = await IntakeScene.start(t);
  const { id, shop, bob, github, second } = await twoPulls(scene, null);
  const before = words(second.pull).length;
  await github.review(shop, second.pull, bob, {
    state: 'CHANGES_REQUESTED',
    comments: [{ path: 'a.txt', line: 1, body: 'Typo.' }],
  });
  await scene.deliver();
  await scene.work(id, '[1] fixed: it is right now', FIRST);
  t.regex(words(second.pull)[before + 1] ?? '', /Nothing was pushed for this\./);
});

test('the project of the second repository decides whether its reviews send the errand back', async (t) => {
  const scene = await IntakeScene.start(t);
  const project = scene.addProject(scene.user_id, {
    repo_url: `${scene.github.origin}/ada/shop.git`,
    follow_up: false,
    mentions: false,
  });
  const { id, shop, demo, bob, github, first, second } = await twoPulls(scene, project.id);
  await github.review(shop, second.pull, bob, { state: 'CHANGES_REQUESTED', body: 'In shop' });
  await scene.deliver();
  t.deepEqual(scene.messages(id), []);
  await github.review(demo, first.pull, bob, { state: 'CHANGES_REQUESTED', body: 'In demo' });
  await scene.deliver();
  t.is(scene.messages(id).length, 1);
});

test("what happens in a repository that is a project of its own and another project's further one is handled once", async (t) => {
  const scene = await IntakeScene.start(t);
  const of_shop = { repo_url: `${scene.github.origin}/ada/shop.git`, name: 'shop' };
  const { id, shop, bob, github, second } = await twoPulls(scene, scene.addProject(scene.user_id, of_shop).id);
  await scene.restart();
  await until('both are heard of', () => listHeardTo(scene.log.db).size === 2);
  const lists = { demo: 0, shop: 0 };
  github.intercept = ({ url = '' }) => {
    for (const name of ['demo', 'shop'] as const) if (url.includes(`/${name}/issues?`)) lists[name] += 1;
    return false;
  };
  await away(scene, async () => {
    github.openIssue(shop, scene.ada, { title: 'x', body: '@errand mend the shop' });
    await github.review(shop, second.pull, bob, { state: 'CHANGES_REQUESTED', body: 'In shop' });
  });
  const others = () => scene.tasks.filter((task) => task.id !== id);
  await until('both are heard', () => others().length > 0 && scene.messages(id).length > 0);
  await scene.settled();
  t.deepEqual(
    others().map(({ title, repo_url }) => [title, repo_url]),
    [['mend the shop', of_shop.repo_url]],
  );
  t.is(scene.messages(id).length, 1);
  t.true(Math.abs(lists.demo - lists.shop) <= 1, 'each look asks for the list of each once');
  await scene.deliver();
  t.deepEqual([others().length, scene.messages(id).length], [1, 1], 'a webhook that comes late changes nothing');
});
