import test from 'ava';
import { ErrandError } from '../../../../protocol/problem.ts';
import {
  actOnPull,
  mergeMethodsOf,
  storeActed,
  type AskedFor,
  type PullAct,
} from '../../../../coordinator/forge/pulls/act-on-pull.ts';
import { choosePull } from '../../../../coordinator/forge/pulls/chosen-pull.ts';
import { changePull } from '../../../../coordinator/forge/pulls/pull-commands.ts';
import { testEachForge } from '../../../support/forge/each-forge.ts';
import { forgeScene } from '../../../support/forge/scene.ts';
import { isPull, type PullIssue } from '../../../support/forge/world.ts';
import { addElsewhere, also, pushElsewhere } from '../../../support/pulls-elsewhere.ts';
import { PullsScene, type Wishes } from '../../../support/pulls-scene.ts';
import type { StagedErrand } from '../../../support/staged-errand.ts';
import { until } from '../../../support/until.ts';
import type { ExecutionContext } from 'ava';

/** No look comes by itself while a test runs. */
const SELDOM = { look_ms_min: 3_600_000, look_ms_max: 3_600_000 };

/** An errand with an open pull request, and a person who acts on it. */
async function openedScene(t: ExecutionContext, wishes: Wishes = {}) {
  const scene = await PullsScene.start(t, wishes, SELDOM);
  const errand = scene.errand();
  const commit = await scene.work(errand);
  await scene.opened(errand);
  const issue = scene.demo.issues.find(isPull);
  if (!issue) throw new Error('There is no pull request.');
  const asked: AskedFor[] = [];
  const act = async (what: PullAct, repository?: string, of: StagedErrand = errand) => {
    const { log } = scene;
    const chosen = choosePull(log.db, scene.user_id, of.id, repository);
    const note = (_: unknown, one: AskedFor) => void asked.push(one);
    const acted = await actOnPull({ log, access: scene.access(), note }, chosen, what);
    log.write((tx) => storeActed(tx, chosen, acted));
  };
  const refused = async (what: PullAct, repository?: string): Promise<ErrandError> => {
    const error: unknown = await t.throwsAsync(act(what, repository));
    if (!(error instanceof ErrandError)) throw error;
    return error;
  };
  return { scene, errand, commit, issue, asked, act, refused };
}

/** The calls that merge. Both forges end them so. */
const isMerge = (url = ''): boolean => url.endsWith('/merge');

testEachForge('a merge shows at once, and a repeat changes nothing', async (t, kind) => {
  const { scene, errand, commit, issue, asked, act } = await openedScene(t, { kind });
  await act({ do: 'merge', commit });
  t.true(issue.pull.merged);
  t.like(scene.rowOf(errand), { state: 'merged', problem: null, next_look_at: null, head_commit: commit });
  t.is(scene.told(errand).at(-1), 'pull.changed merged state');
  t.deepEqual(asked, [{ repository: 'ada/demo', number: issue.number, commit, method: 'merge' }]);
  const told = scene.told(errand).length;
  await act({ do: 'merge', commit });
  t.is(asked.length, 1);
  t.is(scene.told(errand).length, told);
});

testEachForge('a repository that allows one way to merge gets that, and refuses another by name', async (t, kind) => {
  const { scene, errand, commit, act, refused } = await openedScene(t, { kind });
  scene.demo.merge_methods = ['squash'];
  const chosen = choosePull(scene.log.db, scene.user_id, errand.id, undefined);
  t.deepEqual(await mergeMethodsOf(scene.access(), chosen), ['squash']);
  const { code, errors, reason, params } = await refused({ do: 'merge', commit, method: 'rebase' });
  t.is(code, 'invalid');
  t.deepEqual({ reason, params }, { reason: 'merge_other_methods', params: { methods: 'squash' } });
  t.deepEqual(errors, [{ field: '/method', message: 'is not allowed by the repository: it takes squash' }]);
  await act({ do: 'merge', commit });
  t.is(scene.rowOf(errand)?.state, 'merged');
  t.is(await scene.forge.world.countAhead(scene.demo, 'main~1', 'main'), 1);
});

testEachForge('where a repository allows no way to merge, that is said', async (t, kind) => {
  const { scene, commit, refused } = await openedScene(t, { kind });
  scene.demo.merge_methods = [];
  for (const method of [undefined, 'squash'] as const)
    t.like(await refused({ do: 'merge', commit, method }), { code: 'conflict', reason: 'merge_no_method' });
});

testEachForge('a draft becomes ready, and is not merged before', async (t, kind) => {
  const { scene, errand, commit, issue, asked, act, refused } = await openedScene(t, { kind, pull_requests: 'draft' });
  t.true(issue.pull.draft);
  const draft = await refused({ do: 'merge', commit });
  t.is(draft.code, 'conflict');
  t.regex(draft.message, /is a draft/);
  await act({ do: 'ready', commit });
  t.false(issue.pull.draft);
  t.like(scene.rowOf(errand), { state: 'open', draft: false });
  t.deepEqual(asked, [{ repository: 'ada/demo', number: issue.number, commit, method: null }]);
  await act({ do: 'ready', commit });
  t.is(asked.length, 1);
});

testEachForge('new commits are looked at before they are merged', async (t, kind) => {
  const { scene, errand, commit, issue, act, refused } = await openedScene(t, { kind });
  const newer = await scene.forge.push(scene.demo, issue.pull.head, { 'b.txt': 'b' });
  for (const act_of of ['merge', 'ready'] as const) {
    if (act_of === 'ready') await scene.forge.editPull(scene.demo, issue, { draft: true });
    const { code, message } = await refused({ do: act_of, commit });
    t.is(code, 'conflict');
    t.regex(message, /New commits have come/);
  }
  t.false(issue.pull.merged);
  t.like(scene.rowOf(errand), { state: 'open', head_commit: newer });
  await scene.forge.editPull(scene.demo, issue, { draft: false });
  await act({ do: 'merge', commit: newer });
  t.true(issue.pull.merged);
});

test('a pull request that goes into another branch now is looked at before it is merged', async (t) => {
  const { scene, errand, commit, issue, refused } = await openedScene(t);
  await scene.forge.push(scene.demo, 'next', { 'n.txt': 'n' });
  issue.pull.base = 'next';
  const { message, reason, params } = await refused({ do: 'merge', commit });
  t.regex(message, /goes into another branch now, which is next/);
  t.deepEqual({ reason, params }, { reason: 'merge_other_base', params: { base: 'next' } });
  t.is(scene.rowOf(errand)?.base_branch, 'next');
});

testEachForge('what was stored since the person looked does not stand for what they saw', async (t, kind) => {
  const { scene, errand, commit, issue, act, refused } = await openedScene(t, { kind });
  await scene.forge.push(scene.demo, 'next', { 'n.txt': 'n' });
  issue.pull.base = 'next';
  const row = scene.rowOf(errand);
  const at = new Date().toISOString();
  scene.log.write((tx) => changePull(tx, row?.id ?? '', { next_look_at: at }, at));
  await until('the keeper has looked', () => scene.rowOf(errand)?.base_branch === 'next');
  t.regex((await refused({ do: 'merge', commit, base: 'main' })).message, /another branch now, which is next/);
  t.false(issue.pull.merged);
  await act({ do: 'merge', commit, base: 'next' });
  t.true(issue.pull.merged);
});

testEachForge('what a forge refuses is told in words, with its own', async (t, kind) => {
  const { scene, errand, commit, refused } = await openedScene(t, { kind });
  const cases = [
    [
      405,
      'Required status checks have not passed',
      'conflict',
      /^main requires checks that have not passed\. .* Required status/,
    ],
    [405, 'Nobody merges on Fridays', 'conflict', /^127\.0\.0\.1:\d+ refuses it\. .*Fridays/],
    [403, 'Resource not accessible by integration', 'forbidden', /does not let the token do this\. .*not accessible/],
    [401, 'Bad credentials', 'forbidden', /does not take the token any more/],
    [502, 'Bad gateway', 'upstream_unreachable', /does not answer/],
    [429, 'Slow down', 'upstream_unreachable', /takes no more calls/],
  ] as const;
  for (const [status, message, code, words] of cases) {
    scene.forge.intercept = ({ url }, response) => {
      if (!isMerge(url)) return false;
      response.writeHead(status).end(JSON.stringify({ message }));
      return true;
    };
    const error = await refused({ do: 'merge', commit });
    t.is(error.code, code);
    t.regex(error.message, words);
    t.regex(error.params?.['said'] ?? '', new RegExp(message));
  }
  t.is(scene.rowOf(errand)?.state, 'open');
});

testEachForge('a merge whose answer is lost is seen all the same', async (t, kind) => {
  const { scene, errand, commit, issue, act } = await openedScene(t, { kind });
  scene.forge.intercept = async ({ url }, response) => {
    if (!isMerge(url)) return false;
    await scene.forge.merge(scene.demo, issue, scene.ada);
    response.destroy();
    return true;
  };
  await act({ do: 'merge', commit });
  t.is(scene.rowOf(errand)?.state, 'merged');
});

testEachForge('a merge whose answer does not come in time is seen all the same', async (t, kind) => {
  const { scene, errand, commit, issue } = await openedScene(t, { kind });
  const late = new AbortController();
  scene.forge.intercept = async ({ url }) => {
    if (!isMerge(url)) return false;
    await scene.forge.merge(scene.demo, issue, scene.ada);
    late.abort(new DOMException('It took too long.', 'TimeoutError'));
    return true;
  };
  const chosen = choosePull(scene.log.db, scene.user_id, errand.id, undefined);
  const acting = { log: scene.log, access: scene.access(), note: () => undefined, signal: late.signal };
  t.is((await actOnPull(acting, chosen, { do: 'merge', commit })).state, 'merged');
});

testEachForge('the app merges for nobody who may not write there', async (t, kind) => {
  const scene = await PullsScene.start(t, { kind, pull_author: 'app' }, SELDOM);
  scene.bot.install();
  const errand = scene.errand();
  const commit = await scene.work(errand);
  await scene.opened(errand);
  t.is(scene.rowOf(errand)?.author, 'app');
  const chosen = choosePull(scene.log.db, scene.user_id, errand.id, undefined);
  const eve = scene.forge.apps.personalToken(scene.forge.world.addPerson('eve')).value;
  const { forPerson, ...rest } = scene.access();
  const as_eve: typeof forPerson = async (...call) => {
    const open = await forPerson(...call);
    return open && { ...open, token: eve };
  };
  const merge = (of: typeof forPerson) =>
    actOnPull({ log: scene.log, access: { ...rest, forPerson: of }, note: () => undefined }, chosen, {
      do: 'merge',
      commit,
    });
  const no_write = await t.throwsAsync(merge(as_eve), { instanceOf: ErrandError });
  t.regex(no_write?.message ?? '', /may not write to ada\/demo/);
  t.like(no_write, { reason: 'forge_no_write', params: { repository: 'ada/demo' } });
  const no_token = await t.throwsAsync(
    merge(() => Promise.resolve(undefined)),
    { instanceOf: ErrandError, message: /There is no token/ },
  );
  t.like(no_token, { reason: 'forge_no_token', params: { host: new URL(scene.forge.origin).host } });
  const [pull] = scene.on_forge();
  t.false(pull?.pull.merged);
  t.is((await merge(forPerson)).state, 'merged');
});

for (const [status, message] of [
  [403, 'Resource not accessible by integration'],
  [405, "You're not authorized to push to this branch."],
] as const)
  test(`GitHub: where the app is refused, the person merges themselves: ${status}`, async (t) => {
    const scene = await PullsScene.start(t, { pull_author: 'app' }, SELDOM);
    scene.bot.install();
    const errand = scene.errand();
    const commit = await scene.work(errand);
    await scene.opened(errand);
    const tokens: (string | undefined)[] = [];
    scene.forge.intercept = ({ url, headers }, response) => {
      if (!isMerge(url)) return false;
      tokens.push(headers.authorization);
      if (tokens.length > 1) return false;
      response.writeHead(status).end(JSON.stringify({ message }));
      return true;
    };
    const chosen = choosePull(scene.log.db, scene.user_id, errand.id, undefined);
    const acting = { log: scene.log, access: scene.access(), note: () => undefined };
    t.is((await actOnPull(acting, chosen, { do: 'merge', commit })).state, 'merged');
    t.is(tokens.length, 2);
    t.is(tokens[1], `Bearer ${scene.person.value}`);
  });

test('of several repositories the one is named whose pull request is merged', async (t) => {
  const scene = await PullsScene.start(t, {}, SELDOM);
  const other = await addElsewhere(scene, await forgeScene(t, 'gitea'), 'docs', { pull_requests: 'ready' });
  const errand = scene.errand();
  also(scene, errand, other);
  const there = await pushElsewhere(scene, errand, other);
  await scene.work(errand);
  await scene.pull(errand, 'both are open', () => scene.pullsOf(errand).every(({ state }) => state === 'open'));
  const choose = (repository?: string) => choosePull(scene.log.db, scene.user_id, errand.id, repository);
  t.throws(() => choose(), { instanceOf: ErrandError, message: /pull requests in demo, docs/ });
  t.throws(() => choose('none'), { message: /has no repository none/ });
  const chosen = choose('docs');
  const acting = { log: scene.log, access: scene.access(), note: () => undefined };
  const acted = await actOnPull(acting, chosen, { do: 'merge', commit: there });
  scene.log.write((tx) => storeActed(tx, chosen, acted));
  const states = new Map(scene.pullsOf(errand).map(({ repo_url, state }) => [repo_url, state]));
  t.deepEqual([states.get(scene.repo_url), states.get(other.repo_url)], ['open', 'merged']);
  const merged: PullIssue | undefined = other.repository.issues.find(isPull);
  t.true(merged?.pull.merged);
});

test('an errand without a pull request has none to merge', async (t) => {
  const scene = await PullsScene.start(t, { pull_requests: 'none' });
  const errand = scene.errand();
  await scene.work(errand);
  t.throws(() => choosePull(scene.log.db, scene.user_id, errand.id, undefined), { message: /has no pull request/ });
});
