import test from 'ava';
import { endTask, runTask } from '../../support/fixtures.ts';
import { link, signInScene } from '../../support/forge/sign-in-scene.ts';

/** A repository of a linked person, with a pull request from `feature`. */
async function scene(t: Parameters<typeof signInScene>[0]) {
  const base = await signInScene(t);
  const { github, server, app } = base;
  const { api } = await server.person();
  const ann = github.world.addPerson('ann');
  const demo = await github.world.addRepository({ owner: ann, name: 'demo' });
  github.apps.install(app, ann);
  await link(base, api, ann);
  await github.push(demo, 'feature', { 'a.txt': 'a\n' });
  const pull = await github.openPull(demo, ann, { title: 'A', body: '', head: 'feature', base: 'main', draft: false });
  const repo_url = `${github.origin}/ann/demo`;
  const send = (where: { work_branch?: string; continue_pull?: number }) =>
    api.call('createTask', { body: { prompt: 'Go on', repo_url, ...where } });
  return { ...base, api, ann, demo, pull, repo_url, send };
}

test('an errand goes on with a pull request, on its branch', async (t) => {
  const { send, pull } = await scene(t);
  t.is((await send({ continue_pull: pull.number })).work_branch, 'feature');
});

test('a pull request that cannot be continued is refused with the reason', async (t) => {
  const { send, github, demo, pull } = await scene(t);
  await t.throwsAsync(send({ continue_pull: 4711 }), { message: /continue_pull is no pull request of the repository/ });
  await github.editPull(demo, pull, { state: 'closed' });
  await t.throwsAsync(send({ continue_pull: pull.number }), { message: /is closed: only an open pull request/ });
});

test('the default branch and protected branches are refused at once, other branches are not', async (t) => {
  const { send, github, demo, pull } = await scene(t);
  await github.push(demo, 'release', { 'r.txt': 'r\n' });
  await github.protect(demo, 'release');
  await t.throwsAsync(send({ work_branch: 'main' }), { message: /is the default branch main/ });
  await t.throwsAsync(send({ work_branch: 'release' }), { message: /which the forge protects from pushes/ });
  t.is((await send({ work_branch: 'brand-new' })).work_branch, 'brand-new');
  demo.rules = ['non_fast_forward'];
  t.is((await send({ continue_pull: pull.number })).work_branch, 'feature');
});

test('one errand at a time works on a branch', async (t) => {
  const { send, server } = await scene(t);
  const { id } = await send({ work_branch: 'feature' });
  await t.throwsAsync(send({ work_branch: 'feature' }), {
    message: /An errand of yours works on the branch feature now: send it a message, or name another branch/,
  });
  runTask(server.log, id);
  endTask(server.log, id);
  t.is((await send({ work_branch: 'feature' })).work_branch, 'feature');
});

test('one errand at a time works on a branch, however its repository and the branch are named', async (t) => {
  const { send, server, github, api } = await scene(t);
  const message = /works on the branch .* now: send it a message/;
  const { host } = new URL(github.origin);
  const first = await send({ work_branch: 'feature' });
  for (const address of [
    `http://${host}/ann/demo.git`,
    `http://${host}/ann/demo/`,
    `http://${host}/Ann/Demo`,
    `HTTP://${host.toUpperCase()}/ANN/demo.git/`,
  ]) {
    const again = api.call('createTask', { body: { prompt: 'Go on', repo_url: address, work_branch: 'feature' } });
    await t.throwsAsync(again, { message }, address);
  }
  // The branch that an errand has made is its own.
  const own = server.log.db.prepare('SELECT branch FROM tasks WHERE id = ?').pluck().get(first.id);
  const work_branch = String(own);
  await t.throwsAsync(send({ work_branch }), { message });
  await t.throwsAsync(send({ work_branch: work_branch.replace('errand/', 'errand-') }), { message });
  const elsewhere = { prompt: 'Go on', repo_url: `http://${host}/ann/other`, work_branch: 'feature' };
  t.truthy((await api.call('createTask', { body: elsewhere })).id, 'another repository');
});

test('one errand at a time works on a branch of a repository that was renamed, by its old and its new name', async (t) => {
  const { send, github, api, ann, demo, pull } = await scene(t);
  const other = await github.world.addRepository({ owner: ann, name: 'other' });
  await github.push(other, 'feature', { 'a.txt': 'a\n' });
  await send({ work_branch: 'feature' });
  await github.world.rename(demo, { name: 'renamed' });
  const [renamed, elsewhere] = ['renamed', 'other'].map((name) => `${github.origin}/ann/${name}`);
  const message = /An errand of yours works on the branch feature now: send it a message, or name another branch/;
  const create = (body: object) => api.call('createTask', { body: { prompt: 'Go on', ...body } });
  await t.throwsAsync(create({ repo_url: renamed, work_branch: 'feature' }), { message });
  await t.throwsAsync(create({ repo_url: renamed, continue_pull: pull.number }), { message });
  const further = { repo_url: renamed, work_branch: 'feature' };
  const refused = await api.refused('createTask', {
    body: { prompt: 'Go on', repo_url: elsewhere, repositories: [further] },
  });
  t.deepEqual([refused.code, refused.errors?.[0]?.field], ['conflict', '/repositories/0/work_branch']);
  t.is((await create({ repo_url: elsewhere, work_branch: 'feature' })).work_branch, 'feature');
});

test('an errand that has ended does not go on while another one works on its branch', async (t) => {
  const { send, server, api } = await scene(t);
  const end = ({ id }: { id: string }, status?: 'failed') => {
    runTask(server.log, id);
    endTask(server.log, id, status);
  };
  const first = await send({ work_branch: 'feature' });
  end(first, 'failed');
  const own = await send({});
  end(own, 'failed');
  const branch = String(server.log.db.prepare('SELECT branch FROM tasks WHERE id = ?').pluck().get(own.id));
  const others = [await send({ work_branch: 'feature' }), await send({ work_branch: branch })];
  const say = (id: string) => api.call('createMessage', { params: { id }, body: { text: 'Go on' } });
  const retry = (id: string) => api.call('retryTask', { params: { id }, body: {} });
  const message = /An errand of yours works on the branch .* now: send it a message/;
  for (const { id } of [first, own]) {
    await t.throwsAsync(say(id), { message });
    await t.throwsAsync(retry(id), { message });
  }
  for (const other of others) end(other);
  await t.notThrowsAsync(say(first.id));
  await t.notThrowsAsync(retry(own.id));
});

test('a pull request is not continued while the forge does not say whether its branch is protected', async (t) => {
  const { send, github, demo, pull } = await scene(t);
  await github.protect(demo, 'feature');
  await t.throwsAsync(send({ continue_pull: pull.number }), { message: /which the forge protects from pushes/ });
  for (const status of [403, 429, 500, 502])
    for (const path of [/\/branches\/feature$/, /\/repos\/ann\/demo$/, /\/pulls\/\d+$/]) {
      github.intercept = ({ url = '' }, response) => {
        if (!path.test(url)) return false;
        response.writeHead(status).end('{"message": "Not now."}');
        return true;
      };
      const message = /"upstream_unreachable".*continue_pull cannot be looked up/;
      await t.throwsAsync(send({ continue_pull: pull.number }), { message }, `${status} ${path.source}`);
    }
});

test('a pull request of a repository that was renamed is continued, by the old name too', async (t) => {
  const { send, github, demo, pull } = await scene(t);
  await github.world.rename(demo, { name: 'renamed' });
  t.is((await send({ continue_pull: pull.number })).work_branch, 'feature');
});

test('the old name of the default branch is refused as the new one is', async (t) => {
  const { send, github } = await scene(t);
  github.intercept = ({ url = '' }, response) => {
    if (!url.endsWith('/branches/master')) return false;
    response.writeHead(301, { location: url.replace(/master$/, 'main') }).end();
    return true;
  };
  await t.throwsAsync(send({ work_branch: 'master' }), { message: /is the default branch main/ });
});

test('an address with a broken escape is on no forge, and fails nothing', async (t) => {
  const { api, github } = await scene(t);
  const repo_url = `${github.origin}/ann/a%zz`;
  const { id } = await api.call('createTask', { body: { prompt: 'Go on', repo_url, work_branch: 'feature' } });
  t.truthy(id);
});
