import test from 'ava';
import { MergeRefused, mergeRefusal, type MergeObstacle } from '../../../coordinator/forge/merge-refused.ts';
import { ForgeApiError } from '../../../coordinator/forge/forge-api-error.ts';
import { testEachForge } from '../../support/forge/each-forge.ts';
import { forgeScene } from '../../support/forge/scene.ts';
import { git } from '../../support/git-server.ts';
import type { ForgeKind } from '../../../protocol/forges.ts';

const NAME = { owner: 'ada', name: 'demo' };
const DRAFT = { title: 'Fix', body: '', head: 'fix', base: 'main', draft: false };

testEachForge('says how a repository lets pull requests be merged, its default first', async (t, kind) => {
  const { client, ada, demo, access } = await forgeScene(t, kind);
  const methods = async () => (await client.repository(access(ada), NAME)).merge_methods;
  t.deepEqual(await methods(), ['merge', 'squash', 'rebase']);
  demo.merge_methods = ['rebase'];
  t.deepEqual(await methods(), ['rebase']);
  // GitHub names no default, so its order stands.
  demo.merge_methods = ['squash', 'merge'];
  t.deepEqual(await methods(), kind === 'github' ? ['merge', 'squash'] : ['squash', 'merge']);
});

test('Gitea: all of its ways to merge are known', async (t) => {
  const { client, ada, demo, access } = await forgeScene(t, 'gitea');
  demo.merge_methods = ['fast-forward-only', 'rebase-merge'];
  t.deepEqual((await client.repository(access(ada), NAME)).merge_methods, ['fast-forward-only', 'rebase-merge']);
});

test('GitHub: a token that is not told how to merge may try each way', async (t) => {
  const { forge, client, demo, access } = await forgeScene(t, 'github');
  demo.merge_methods = ['squash'];
  const eve = forge.world.addPerson('eve');
  t.deepEqual((await client.repository(access(eve), NAME)).merge_methods, ['merge', 'squash', 'rebase']);
});

testEachForge('merges the commit that was named, in the way that was asked for', async (t, kind) => {
  const { forge, client, ada, demo, access } = await forgeScene(t, kind);
  for (const method of ['merge', 'squash', 'rebase'] as const) {
    const before = await forge.world.branch(demo, 'main');
    const commit = await forge.push(demo, method, { [`${method}.txt`]: method });
    const { number } = await client.openPull(access(ada), NAME, { ...DRAFT, head: method });
    await client.mergePull(access(ada), NAME, number, { commit, method });
    t.is((await client.pull(access(ada), NAME, number)).state, 'merged');
    const ahead = await forge.world.countAhead(demo, before ?? '', 'main');
    t.is(ahead, method === 'merge' ? 2 : 1, method);
  }
});

type Refused = (scene: Awaited<ReturnType<typeof forgeScene>>, number: number) => unknown;

/** What stands in the way, and whether the stand-in says so by itself. */
const OBSTACLES: [MergeObstacle, Refused][] = [
  ['moved', ({ forge, demo }) => forge.push(demo, 'fix', { 'b.txt': 'b' })],
  ['conflicts', ({ forge, demo }) => forge.push(demo, 'main', { 'a.txt': 'other' })],
  ['method', ({ demo }) => (demo.merge_methods = ['squash'])],
];
for (const [obstacle, put] of OBSTACLES)
  testEachForge(`refuses to merge, and says why: ${obstacle}`, async (t, kind) => {
    const scene = await forgeScene(t, kind);
    const { forge, client, ada, demo, access } = scene;
    const commit = await forge.push(demo, 'fix', { 'a.txt': 'a' });
    const { number } = await client.openPull(access(ada), NAME, DRAFT);
    await put(scene, number);
    const error = await t.throwsAsync(client.mergePull(access(ada), NAME, number, { commit, method: 'merge' }), {
      instanceOf: MergeRefused,
    });
    t.is(error?.obstacle, obstacle);
    t.is((await client.pull(access(ada), NAME, number)).state, 'open');
  });

test('GitHub: an administrator does not pass the rules of the base without a word', async (t) => {
  const { forge, client, ada, demo, access } = await forgeScene(t, 'github');
  const commit = await forge.push(demo, 'fix', { 'a.txt': 'a' });
  const { number } = await client.openPull(access(ada), NAME, DRAFT);
  forge.check(demo, commit, { name: 'test', status: 'in_progress' });
  const merge = () => client.mergePull(access(ada), NAME, number, { commit, method: 'merge' });
  for (const rule of ['checks', 'review'] as const) {
    demo.requires = new Set([rule]);
    const error = await t.throwsAsync(merge(), { instanceOf: MergeRefused });
    t.is(error?.obstacle, rule);
  }
  forge.intercept = ({ url = '' }, response) => {
    if (!url.endsWith('/graphql')) return false;
    response.writeHead(403).end('{"message": "Resource not accessible by personal access token"}');
    return true;
  };
  const error = await t.throwsAsync(merge(), { instanceOf: MergeRefused });
  t.is(error?.obstacle, 'blocked');
  forge.intercept = undefined;
  demo.requires = new Set();
  await merge();
  t.is((await client.pull(access(ada), NAME, number)).state, 'merged');
});

test('GitHub: an administrator does not pass a merge queue, which blocks nothing', async (t) => {
  const { forge, client, ada, demo, access } = await forgeScene(t, 'github');
  const commit = await forge.push(demo, 'fix', { 'a.txt': 'a' });
  const { number } = await client.openPull(access(ada), NAME, DRAFT);
  for (const rules of [['queue'], ['queue', 'checks']] as const) {
    demo.requires = new Set(rules);
    const merge = client.mergePull(access(ada), NAME, number, { commit, method: 'merge' });
    t.is((await t.throwsAsync(merge, { instanceOf: MergeRefused }))?.obstacle, 'queue');
  }
  t.is((await client.pull(access(ada), NAME, number)).state, 'open');
});

test('GitHub: who may pass no rule is told by GitHub itself what stands in the way', async (t) => {
  const { forge, client, ada, demo, access } = await forgeScene(t, 'github');
  const bob = forge.world.addPerson('bob');
  demo.permissions.set(bob, 'write');
  const commit = await forge.push(demo, 'fix', { 'a.txt': 'a' });
  const { number } = await client.openPull(access(ada), NAME, DRAFT);
  const merge = () => client.mergePull(access(bob), NAME, number, { commit, method: 'merge' });
  for (const rule of ['checks', 'review', 'queue'] as const) {
    demo.requires = new Set([rule]);
    t.is((await t.throwsAsync(merge(), { instanceOf: MergeRefused }))?.obstacle, rule);
  }
  demo.requires = new Set(['conversation']);
  await t.throwsAsync(merge(), { message: /A conversation must be resolved/ });
  demo.requires = new Set(['nothing']);
  await merge();
  t.is((await client.pull(access(ada), NAME, number)).state, 'merged');
});

test('GitHub: a check that is not required is not what blocks', async (t) => {
  const { forge, client, ada, demo, access } = await forgeScene(t, 'github');
  const commit = await forge.push(demo, 'fix', { 'a.txt': 'a' });
  forge.check(demo, commit, { name: 'optional', conclusion: 'failure' });
  const { number } = await client.openPull(access(ada), NAME, DRAFT);
  const obstacle = async () => {
    const merge = client.mergePull(access(ada), NAME, number, { commit, method: 'merge' });
    return (await t.throwsAsync(merge, { instanceOf: MergeRefused }))?.obstacle;
  };
  demo.requires = new Set(['conversation']);
  t.is(await obstacle(), 'blocked');
  demo.requires = new Set(['checks']);
  t.is(await obstacle(), 'checks');
});

test('GitHub: a token that may not read checks is told all else of the rules', async (t) => {
  const { forge, client, ada, bob, demo } = await forgeScene(t, 'github');
  forge.makePrivate(demo);
  const [admin, writer] = [ada, bob].map((person) => ({ token: forge.apps.fineGrainedToken(person, []).value }));
  if (!admin || !writer) return t.fail();
  const commit = await forge.push(demo, 'fix', { 'a.txt': 'a' });
  forge.check(demo, commit, { name: 'test', conclusion: 'failure' });
  const { number } = await client.openPull(admin, NAME, DRAFT);
  const merge = (as: typeof admin) => client.mergePull(as, NAME, number, { commit, method: 'merge' });
  for (const [rule, obstacle] of [
    ['queue', 'queue'],
    ['review', 'review'],
    ['checks', 'blocked'],
  ] as const) {
    demo.requires = new Set([rule]);
    t.is((await t.throwsAsync(merge(admin), { instanceOf: MergeRefused }))?.obstacle, obstacle);
  }
  t.is((await client.pull(admin, NAME, number)).state, 'open');
  // GitHub says that it is blocked, and merges it.
  demo.requires = new Set(['nothing']);
  await merge(writer);
  t.is((await client.pull(admin, NAME, number)).state, 'merged');
});

test('GitHub: what is blocked is told so where its rules cannot be read now, and nothing else is merged then', async (t) => {
  const { forge, client, ada, demo, access } = await forgeScene(t, 'github');
  const commit = await forge.push(demo, 'fix', { 'a.txt': 'a' });
  const { number } = await client.openPull(access(ada), NAME, DRAFT);
  const merge = () => client.mergePull(access(ada), NAME, number, { commit, method: 'merge' });
  forge.intercept = ({ url = '' }, response) => {
    if (!url.endsWith('/graphql')) return false;
    response.writeHead(502).end('{"message": "Bad gateway"}');
    return true;
  };
  demo.requires = new Set(['review']);
  t.is((await t.throwsAsync(merge(), { instanceOf: MergeRefused }))?.obstacle, 'blocked');
  demo.requires = new Set();
  t.like(await t.throwsAsync(merge(), { instanceOf: ForgeApiError }), { fault: 'unreachable' });
  t.is((await client.pull(access(ada), NAME, number)).state, 'open');
});

test('Gitea: what cannot be fast-forwarded lacks commits of its base', async (t) => {
  const { forge, client, ada, demo, access } = await forgeScene(t, 'gitea');
  demo.merge_methods = ['fast-forward-only'];
  const commit = await forge.push(demo, 'fix', { 'a.txt': 'a' });
  const { number } = await client.openPull(access(ada), NAME, DRAFT);
  const state = async () => (await client.pull(access(ada), NAME, number)).state;
  const merge = (head: string) =>
    client.mergePull(access(ada), NAME, number, { commit: head, method: 'fast-forward-only' });
  await forge.push(demo, 'main', { 'b.txt': 'b' });
  t.is(await state(), 'open');
  t.is((await t.throwsAsync(merge(commit), { instanceOf: MergeRefused }))?.obstacle, 'behind');
  const folder = forge.world.folder(demo);
  const tree = await git(folder, 'merge-tree', '--write-tree', 'main', 'fix');
  const merged = await git(folder, 'commit-tree', tree, '-p', 'fix', '-p', 'main', '-m', 'Merge main');
  await git(folder, 'update-ref', 'refs/heads/fix', merged);
  t.is(await state(), 'open');
  await merge(merged);
  t.is(await state(), 'merged');
});

/** What the forges answer, and what it means. */
const ANSWERS: [ForgeKind, number, string, MergeObstacle | undefined][] = [
  ['github', 405, 'Required status check "test" is expected.', 'checks'],
  ['github', 405, '2 of 2 required status checks have not succeeded: 1 expected.', 'checks'],
  ['github', 405, 'At least 1 approving review is required by reviewers with write access.', 'review'],
  ['github', 405, 'Waiting on code owner review from ada.', 'review'],
  ['github', 405, 'New changes require approval from someone other than the last pusher.', 'review'],
  ['github', 405, 'Repository rule violations found\n\nChanges must be made through the merge queue', 'queue'],
  ['github', 405, 'Repository rule violations found\n\nCannot update this protected ref.', 'protected'],
  ['github', 405, "You're not authorized to push to this branch.", 'protected'],
  ['github', 405, 'Base branch was modified. Review and try the merge again.', 'busy'],
  ['github', 409, 'Head branch was modified. Review and try the merge again.', 'moved'],
  ['github', 405, 'This branch must not contain merge commits.', 'method'],
  ['github', 405, 'Merge commits are not allowed on this repository.', 'method'],
  ['github', 405, 'Pull Request is not mergeable', 'conflicts'],
  ['github', 405, "This branch can't be rebased", 'conflicts'],
  ['github', 403, 'Resource not accessible by integration', undefined],
  ['gitea', 405, 'User not allowed to merge PR', 'protected'],
  ['gitea', 405, 'not ready to merge: Not all required status checks successful', 'checks'],
  ['gitea', 405, 'not ready to merge: Does not have enough approvals', 'review'],
  ['gitea', 405, 'not ready to merge: There are requested changes', 'review'],
  ['gitea', 405, 'not ready to merge: The head branch is behind the base branch', 'behind'],
  ['gitea', 405, 'not ready to merge: Changed protected files', 'protected'],
  ['gitea', 405, 'Work in progress PRs cannot be merged', 'draft'],
  ['gitea', 409, 'merge push out of date', 'busy'],
  ['gitea', 409, 'PushRejected with remote message: no', 'protected'],
  ['gitea', 409, '', 'conflicts'],
  ['gitea', 423, 'This repository is archived.', undefined],
];
testEachForge('what the forge answers says what stands in the way', async (t, kind) => {
  const { forge, client, ada, demo, access } = await forgeScene(t, kind);
  const commit = await forge.push(demo, 'fix', { 'a.txt': 'a' });
  const { number } = await client.openPull(access(ada), NAME, DRAFT);
  for (const [of, status, message, obstacle] of ANSWERS.filter(([of]) => of === kind)) {
    forge.intercept = ({ url = '' }, response) => {
      if (!url.endsWith('/merge')) return false;
      // Gitea says what conflicts in fields of its own.
      response.writeHead(status).end(JSON.stringify(message === '' ? { Style: 'merge' } : { message }));
      return true;
    };
    const error: unknown = await t.throwsAsync(
      client.mergePull(access(ada), NAME, number, { commit, method: 'merge' }),
    );
    t.is(error instanceof MergeRefused ? error.obstacle : undefined, obstacle, `${of}: ${message}`);
  }
});

test('what is no refusal says nothing of the pull request', (t) => {
  const away = new ForgeApiError('unreachable', 'github.com could not be reached: conflict.');
  t.is(mergeRefusal(away, [[/conflict/, 'conflicts']]), away);
});
