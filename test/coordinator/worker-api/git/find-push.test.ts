import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { git } from '../../../support/git-server.ts';
import { cloneWithWork, commit, setUp, type GitProxyScene } from '../../../support/git-proxy-scene.ts';

const NOWHERE = 'a'.repeat(40);
const never = new AbortController().signal;

/** A forge whose main branch has this commit at its end, and how to look for a push there. */
async function open(t: ExecutionContext, change: Parameters<typeof setUp>[1] = {}) {
  const scene = await setUp(t, change);
  const bare = join(scene.forge.root, 'team/app');
  const caller = { task_id: 't', user_id: 'u', attempt: 1, signal: never };
  const find = (branch: string | null, at: string, deadline = never) =>
    scene.proxy.findPush?.(caller, { task_id: 't', key: null, branch, commit: at }, deadline);
  return { scene, bare, tip: await git(bare, 'rev-parse', 'main'), find };
}

/** Pushes another commit to the branch, as somebody else does. Resolves with a commit that was pushed nowhere. */
async function moveOn(scene: GitProxyScene, bare: string): Promise<string> {
  const clone = await cloneWithWork(scene);
  await git(clone, 'push', '--quiet', bare, 'HEAD:refs/heads/main');
  await commit(clone, 'more.txt', 'kept here');
  return git(clone, 'rev-parse', 'HEAD');
}

test('a push is found at the end of its branch, and also once somebody has moved the branch on', async (t) => {
  const { scene, bare, tip, find } = await open(t);
  t.is(await find('main', tip), 'there');
  const kept_back = await moveOn(scene, bare);
  t.not(await git(bare, 'rev-parse', 'main'), tip);
  t.is(await find('main', tip), 'there');
  t.is(await find('main', kept_back), 'missing');
  t.is(await find('main', NOWHERE), 'missing');
});

test('a push to no branch, and one to a branch that there is not, are told apart', async (t) => {
  const { tip, find } = await open(t);
  t.is(await find(null, tip), 'missing');
  t.is(await find('mai', NOWHERE), 'gone');
});

test('a commit is found elsewhere once its branch was merged and deleted', async (t) => {
  const { scene, bare, find } = await open(t);
  const clone = await cloneWithWork(scene);
  const work = await git(clone, 'rev-parse', 'HEAD');
  await git(clone, 'push', '--quiet', bare, 'HEAD:refs/heads/merged');
  t.is(await find('merged', work), 'there');
  await git(clone, 'push', '--quiet', bare, 'HEAD:refs/heads/main', ':refs/heads/merged');
  t.is(await find('merged', work), 'elsewhere');
});

test('a commit of another branch does not speak for a branch that never was', async (t) => {
  const { tip, find } = await open(t);
  t.is(await find('never', tip), 'elsewhere');
});

test('an id that only begins with the id of a commit is missing', async (t) => {
  const { tip, find } = await open(t);
  t.is(await find('main', `${tip}${'0'.repeat(24)}`), 'missing');
  t.is(await find('never', `${tip}${'0'.repeat(24)}`), 'gone');
});

test('a forge that gives every commit that it stores is believed of one that no branch has any more', async (t) => {
  const { scene, bare, find } = await open(t);
  const lost = await git(bare, 'commit-tree', '-m', 'Lost', 'main^{tree}');
  t.is(await find('main', lost), 'missing');
  await git(bare, 'config', 'uploadpack.allowAnySHA1InWant', 'true');
  t.is(await find('main', lost), 'there');
  t.is(await find('main', await moveOn(scene, bare)), 'missing', 'it has no commit that nobody has pushed');
});

test('a credential that cannot be renewed in time says nothing of a push', async (t) => {
  const asked = Promise.withResolvers<void>();
  const repository = () => {
    asked.resolve();
    return new Promise<never>(() => undefined);
  };
  const { find } = await open(t, { repository });
  const deadline = new AbortController();
  const found = find('main', NOWHERE, deadline.signal);
  await asked.promise;
  deadline.abort();
  t.is(await found, 'unknown');
});

test('a forge that fails, that does not answer in time, or that is away says nothing of a push', async (t) => {
  const { scene, tip, find } = await open(t);
  scene.forge.intercept = (_, response) => {
    response.writeHead(502).end();
    return true;
  };
  t.is(await find('main', tip), 'unknown');
  const asked = Promise.withResolvers<void>();
  scene.forge.intercept = () => {
    asked.resolve();
    return true;
  };
  const deadline = new AbortController();
  const found = find('main', tip, deadline.signal);
  await asked.promise;
  deadline.abort();
  t.is(await found, 'unknown');
  await scene.forge.close();
  t.is(await find('main', tip), 'unknown');
});

test('a forge that refuses a fetch without a reason says nothing of a push', async (t) => {
  const { scene, find } = await open(t);
  scene.forge.intercept = ({ method }, response) => {
    if (method !== 'POST') return false;
    response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-result' }).end();
    return true;
  };
  t.is(await find('main', NOWHERE), 'unknown');
});
