import test from 'ava';
import { addTask } from '../../../support/fixtures.ts';
import { IntakeScene } from '../../../support/forge/intake-scene.ts';
import type { Issue } from '../../../support/forge/world.ts';

/** What Errand has written there. */
const words = ({ comments }: Issue) =>
  comments.map(({ body }) => body).filter((body) => body.startsWith('<!-- errand:'));

test('an issue that is opened with a mention and the label is one request, whichever is told first', async (t) => {
  for (const turned of [false, true]) {
    const scene = await IntakeScene.start(t);
    const { github, demo, ada } = scene;
    const before = github.hooks.sent.length;
    const issue = github.openIssue(demo, ada, { title: 'It fails', body: '@errand fix it', labels: ['bug', 'errand'] });
    const sent = github.hooks.sent.slice(before);
    t.is(sent.length, 3);
    for (const hook of turned ? sent.toReversed() : sent) await scene.receive(hook);
    await scene.settled();
    t.is(scene.task.title, 'fix it');
    t.deepEqual(scene.messages(scene.task.id), []);
    t.is(words(issue).length, 1);
  }
});

test('a mention on a pull request from the default or a protected branch is refused before anything is spent', async (t) => {
  const scene = await IntakeScene.start(t);
  const { github, demo, ada, bob } = scene;
  await github.push(demo, 'develop', { 'b.txt': 'b' });
  await github.push(demo, 'release', { 'c.txt': 'c' });
  await github.protect(demo, 'develop');
  for (const [head, base] of [
    ['develop', 'main'],
    ['main', 'release'],
  ] as const) {
    const pull = await github.openPull(demo, bob, { title: 'Release', body: '', head, base, draft: false });
    github.comment(demo, pull, ada, '@errand fix the notes');
    await scene.deliver();
    t.deepEqual(scene.tasks, []);
    t.regex(words(pull)[0] ?? '', /Not started: errands never push to the default branch or a protected one/);
  }
});

test('a request goes on with the pull request or branch that it names, wherever it is written', async (t) => {
  const scene = await IntakeScene.start(t);
  const { github, demo, ada, bob } = scene;
  for (const head of ['topic', 'other']) await github.push(demo, head, { [`${head}.txt`]: 'b' });
  const pull = await github.openPull(demo, bob, {
    title: 'Topic',
    body: '',
    head: 'topic',
    base: 'main',
    draft: false,
  });
  const first = github.openIssue(demo, bob, { title: 'It fails', body: '' });
  github.comment(demo, first, ada, `@errand go on with #${pull.number}: the tests fail`);
  await scene.deliver();
  t.like(scene.task, { work_branch: 'topic', base_branch: 'main' });
  t.regex(words(first)[0] ?? '', /has been started/);
  const second = github.openIssue(demo, ada, { title: 'Elsewhere', body: '@errand work on branch `other`' });
  await scene.deliver();
  t.deepEqual(new Set(scene.tasks.map(({ work_branch }) => work_branch)), new Set(['topic', 'other']));
  t.regex(words(second)[0] ?? '', /has been started/);
});

test('a request that names what no errand can push to is refused with the reason', async (t) => {
  const scene = await IntakeScene.start(t);
  const { github, demo, ada } = scene;
  const issue = github.openIssue(demo, ada, { title: 'It fails', body: '' });
  github.comment(demo, issue, ada, '@errand go on with #4711');
  github.comment(demo, issue, ada, '@errand work on branch main');
  await scene.deliver();
  t.deepEqual(scene.tasks, []);
  t.regex(words(issue)[0] ?? '', /Not started: the pull request is not open/);
  t.regex(words(issue)[1] ?? '', /Not started: errands never push to the default branch/);
});

for (const state of ['open', 'closed'] as const)
  test(`a mention on a pull request from a fork ${state === 'open' ? 'is refused' : 'starts anew once that is closed'}`, async (t) => {
    const scene = await IntakeScene.start(t);
    const { github, demo, ada, bob } = scene;
    await github.push(demo, 'topic', { 'b.txt': 'b' });
    const draft = { title: 'Topic', body: '', head: 'topic', base: 'main', draft: false };
    const pull = await github.openPull(demo, bob, draft);
    if (state === 'closed') await github.editPull(demo, pull, { state });
    github.intercept = ({ url = '' }, response) => {
      if (!url.endsWith(`/pulls/${pull.number}`)) return false;
      const shown = github.render.pull(demo, pull);
      const repo = { name: 'demo', owner: { login: 'bob' } };
      response.writeHead(200).end(JSON.stringify({ ...shown, head: { ref: 'topic', sha: 'c'.repeat(40), repo } }));
      return true;
    };
    github.comment(demo, pull, ada, '@errand fix the typo');
    await scene.deliver();
    t.is(scene.tasks.length, state === 'open' ? 0 : 1);
    t.regex(
      words(pull)[0] ?? '',
      state === 'open'
        ? /Not started: .* its branch is in a fork, to which errands cannot push\.$/
        : /has been started/,
    );
  });

test('a mention starts no second errand on a branch where one works under another name of the repository', async (t) => {
  const scene = await IntakeScene.start(t);
  const { github, demo, ada, log, user_id } = scene;
  await github.push(demo, 'topic', { 'b.txt': 'b' });
  await github.world.rename(demo, { name: 'renamed' });
  const { id } = addTask(log, user_id, { repo_url: `${github.origin}/ada/renamed`, work_branch: 'topic' });
  const issue = github.openIssue(demo, ada, { title: 'x', body: '@errand work on branch topic: fix it' });
  await scene.deliver();
  t.deepEqual(
    scene.tasks.map((task) => task.id),
    [id],
  );
  t.regex(words(issue)[0] ?? '', /Not started: an errand works on this branch already/);
});
