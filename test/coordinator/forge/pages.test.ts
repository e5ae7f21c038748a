import test from 'ava';
import type { Check } from '../../../coordinator/forge/forge.ts';
import { giteaClient } from '../../../coordinator/forge/gitea/gitea-client.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { forgeHttp } from '../../support/forge/forge-http.ts';
import { startGitea } from '../../support/forge/gitea/stand-in.ts';
import { isPull } from '../../support/forge/world.ts';
import { PullsScene } from '../../support/pulls-scene.ts';
import type { Ends } from '../../support/folder.ts';

const NAME = { owner: 'ada', name: 'demo' };

for (const page_items_max of [50, 20]) {
  test(`Gitea that gives ${page_items_max} at once: of many statuses and reviews all are read`, async (t) => {
    const { gitea, client, ada, demo, access } = await giteaWith(t, page_items_max);
    const bob = gitea.world.addPerson('bob');
    const commit = await gitea.push(demo, 'fix', { 'a.txt': 'a' });
    for (let n = 0; n < 2 * page_items_max; n++)
      gitea.status(demo, commit, { context: `ci/${n}`, state: n === 2 * page_items_max - 1 ? 'failure' : 'success' });
    const { items, cut } = await client.checks(access, NAME, commit);
    t.is(items.length, 2 * page_items_max);
    t.deepEqual(failedOf(items), [`ci/${2 * page_items_max - 1}`]);
    t.false(cut);

    const pull = await gitea.openPull(demo, ada, { title: 'Fix', body: '', head: 'fix', base: 'main', draft: false });
    for (let n = 0; n <= page_items_max; n++)
      await gitea.review(demo, pull, bob, { state: 'COMMENTED', body: `Review ${n}` });
    const newest = `Review ${page_items_max}`;
    t.is((await client.reviews(access, NAME, pull.number)).at(-1)?.body, newest);
    t.is((await client.thread(access, NAME, pull.number, 10)).comments.at(-1)?.body, newest);
  });

  test(`Gitea that gives ${page_items_max} at once: what is last in a list is found`, async (t) => {
    const { gitea, client, ada, demo, access } = await giteaWith(t, page_items_max);
    const commit = await gitea.push(demo, 'fix', { 'a.txt': 'b' });
    const { id } = gitea.check(demo, commit, { name: 'test', conclusion: 'failure', log: 'Error\n' });
    gitea.intercept = ({ url = '' }, response) => {
      if (!url.includes(`/runs/${id}/jobs`)) return false;
      const query = new URL(url, gitea.origin).searchParams;
      const limit = Math.min(Number(query.get('limit') ?? 30), page_items_max);
      const page = Number(query.get('page') ?? 1);
      const jobs = Array.from({ length: 60 }, (_, n) => ({
        id: n,
        html_url: `${gitea.origin}/ada/demo/actions/runs/${id}/jobs/${60 - n}`,
      }));
      const own = { id, html_url: gitea.render.jobPage(demo, id) };
      response.writeHead(200).end(JSON.stringify({ jobs: [...jobs, own].slice((page - 1) * limit, page * limit) }));
      return true;
    };
    const {
      items: [check],
    } = await client.checks(access, NAME, commit);
    if (check === undefined) return t.fail();
    t.is((await client.checkLog(access, NAME, check, 1_000)).toString(), 'Error\n');

    const issue = gitea.openIssue(demo, ada, { title: 'It fails' });
    for (let n = 0; n < page_items_max; n++) gitea.label(demo, issue, ada, `label-${n}`);
    gitea.label(demo, issue, ada, 'errand');
    t.is((await client.labeledBy(access, NAME, issue.number, 'errand', issue.created_at))?.person.login, 'ada');
  });
}

test('Gitea: a number of reviews that no list has does not decide how many pages are read', async (t) => {
  const { gitea, client, ada, demo, access } = await giteaWith(t, 3);
  await gitea.push(demo, 'fix', { 'a.txt': 'a' });
  const pull = await gitea.openPull(demo, ada, { title: 'Fix', body: '', head: 'fix', base: 'main', draft: false });
  const all = 3 * LIMITS.forge_pages_max + 7;
  for (let n = 0; n < all; n++) await gitea.review(demo, pull, ada, { state: 'COMMENTED', body: `Review ${n}` });
  for (const total of ['Infinity', '1e300', '-7', 'abc', '']) {
    gitea.reviews_total = total;
    const { comments, cut } = await client.thread(access, NAME, pull.number, 20);
    t.deepEqual(
      { cut, newest: comments.at(-1)?.body },
      { cut: true, newest: `Review ${3 * LIMITS.forge_pages_max - 1}` },
    );
  }
});

test('Gitea: of more reviews than are read in order, the newest are read', async (t) => {
  const { gitea, client, ada, demo, access } = await giteaWith(t, 3);
  await gitea.push(demo, 'fix', { 'a.txt': 'a' });
  const pull = await gitea.openPull(demo, ada, { title: 'Fix', body: '', head: 'fix', base: 'main', draft: false });
  const bob = gitea.world.addPerson('bob');
  const all = 3 * LIMITS.forge_pages_max * 2 + 7;
  for (let n = 0; n < all; n++) await gitea.review(demo, pull, bob, { state: 'COMMENTED', body: `Review ${n}` });
  const newest = Array.from({ length: 20 }, (_, n) => `Review ${all - 20 + n}`);
  const reviews = await client.reviews(access, NAME, pull.number);
  t.deepEqual(
    reviews.slice(-20).map(({ body }) => body),
    newest,
  );
  t.is(new Set(reviews.map(({ id }) => id)).size, reviews.length);
  const { comments, cut } = await client.thread(access, NAME, pull.number, 20);
  t.deepEqual(
    comments.map(({ body }) => body),
    newest,
  );
  t.true(cut);
});

for (const says_where of [true, false])
  test(`Gitea that ${says_where ? 'says' : 'does not say'} where a run is shown: the log of any of its runs is found`, async (t) => {
    const { gitea, client, demo, access } = await giteaWith(t, 5);
    const commit = await gitea.push(demo, 'fix', { 'a.txt': 'b' });
    const runs = says_where ? 45 : 12;
    for (let n = 0; n < runs; n++)
      gitea.check(demo, commit, { name: `test ${n}`, conclusion: 'failure', log: `Error ${n}\n` });
    const asked: string[] = [];
    gitea.intercept = ({ url = '' }, response) => {
      asked.push(url);
      if (says_where || !url.includes('/actions/runs?')) return false;
      const query = new URL(url, gitea.origin).searchParams;
      const at = 5 * (Number(query.get('page')) - 1);
      const workflow_runs = demo.checks.slice(at, at + 5).map(({ id }) => ({ id }));
      response.writeHead(200).end(JSON.stringify({ workflow_runs }));
      return true;
    };
    const { items } = await client.checks(access, NAME, commit);
    const check = items.find(({ name }) => name === `test ${runs - 1}`);
    if (check === undefined) return t.fail();
    t.is((await client.checkLog(access, NAME, check, 1_000)).toString(), `Error ${runs - 1}\n`);
    if (says_where) t.is(asked.filter((url) => /\/runs\/\d+\/jobs/.test(url)).length, 1);
  });

test('Gitea: a label is found behind a page of the timeline that is empty', async (t) => {
  const { gitea, client, ada, demo, access } = await giteaWith(t, 1);
  const issue = gitea.openIssue(demo, ada, { title: 'It fails' });
  for (const name of ['bug', 'urgent', 'errand']) gitea.label(demo, issue, ada, name);
  gitea.intercept = ({ url = '' }, response) => {
    if (!/\/timeline\?.*page=2/.test(url)) return false;
    response.writeHead(200).end('null');
    return true;
  };
  t.is((await client.labeledBy(access, NAME, issue.number, 'errand', null))?.person.login, 'ada');
});

test('a commit has more checks than are read: a failed or running one is told, and else where to look', async (t) => {
  const scene = await PullsScene.start(t, { kind: 'gitea' });
  const { forge, demo } = scene;
  const errand = scene.errand();
  const commit = await scene.work(errand);
  await scene.opened(errand);
  const issue = demo.issues.find(isPull);
  if (!issue) return t.fail();
  for (let n = 0; n <= 50 * LIMITS.forge_pages_max; n++)
    demo.statuses.push({
      id: n,
      context: `ci/${n}`,
      state: 'success',
      description: null,
      at: forge.world.time(),
      commit,
    });
  const looked = async (title: string) => {
    await forge.editPull(demo, issue, { title });
    return scene.pull(errand, 'it was looked at', (pull) => pull.title === title);
  };
  const passed = await looked('New title');
  t.is(passed.checks, null);
  t.regex(passed.problem ?? '', /has more checks .* than are read/);
  const [status] = demo.statuses.slice(50);
  if (!status) return t.fail();
  status.state = 'pending';
  t.like(await looked('Another title'), { checks: { running: 1, failed: 0 }, problem: null });
  status.state = 'failure';
  t.like(await looked('Newer title'), { checks: { failed: 1, failed_names: ['ci/50'] }, problem: null });
});

async function giteaWith(t: Ends, page_items_max: number) {
  const gitea = await startGitea(t);
  gitea.page_items_max = page_items_max;
  const client = giteaClient(forgeHttp(t, [gitea.host]), gitea.origin);
  const ada = gitea.world.addPerson('ada');
  const demo = await gitea.world.addRepository({ owner: ada, name: 'demo' });
  return { gitea, client, ada, demo, access: { token: gitea.apps.personalToken(ada).value } };
}

function failedOf(checks: Check[]): string[] {
  return checks.filter(({ state }) => state === 'failed').map(({ name }) => name);
}
