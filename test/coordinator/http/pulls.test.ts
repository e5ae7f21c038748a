import test from 'ava';
import { LIMITS } from '../../../protocol/limits.ts';
import { Api } from '../../support/api.ts';
import { gitHubOf, openedPull } from '../../support/forge/opened-pull.ts';
import { startApi } from '../../support/start-api.ts';
import type { Ends } from '../../support/folder.ts';

async function scene(t: Ends, draft = false) {
  const { github, env } = await gitHubOf(t);
  const server = await startApi(t, env);
  const { api } = await server.person();
  const opened = await openedPull({ server, api }, github, { draft });
  const calls = (end: string) => github.calls.filter(({ path }) => path.endsWith(end)).length;
  const audited = async () =>
    (await api.call('listAudit', { query: {} })).items.filter(({ action }) => action.startsWith('pull.'));
  return { github, server, api, calls, audited, params: { id: opened.id }, ...opened };
}

test('a pull request is merged by its head, once, and the audit log says by whom', async (t) => {
  const { api, params, commit, issue, calls, audited } = await scene(t);
  t.deepEqual((await api.call('listMergeMethods', { params })).methods, ['merge', 'squash', 'rebase']);
  const request = { params, body: { commit, method: 'squash' as const }, headers: { 'idempotency-key': 'one' } };
  const merged = await api.call('mergePull', request);
  t.like(merged.pulls?.[0], { number: issue.number, state: 'merged' });
  t.true(issue.pull.merged);
  t.deepEqual(await api.call('mergePull', request), merged);
  t.like((await api.call('mergePull', { params, body: { commit } })).pulls?.[0], { state: 'merged' });
  t.is(calls('/merge'), 1);
  const [entry, ...others] = await audited();
  t.is(others.length, 0);
  t.like(entry, { action: 'pull.merge_asked', subject: params.id });
  t.deepEqual(entry?.detail, { repository: 'ada/demo', number: issue.number, commit, method: 'squash' });
});

test('a draft is marked as ready, once', async (t) => {
  const { api, params, commit, issue, calls, audited } = await scene(t, true);
  t.like((await api.call('readyPull', { params, body: { commit } })).pulls?.[0], { state: 'open', draft: false });
  t.false(issue.pull.draft);
  await api.call('readyPull', { params, body: { commit } });
  t.is(calls('/graphql'), 1);
  t.deepEqual(
    (await audited()).map(({ action }) => action),
    ['pull.ready_asked'],
  );
});

test('a head that has moved is a conflict, and the task has the new one at once', async (t) => {
  const { github, repository, head, api, params, commit, audited } = await scene(t);
  const newer = await github.push(repository, head, { 'b.txt': 'b' });
  const problem = await api.refused('mergePull', { params, body: { commit } });
  t.is(problem.code, 'conflict');
  t.regex(problem.detail ?? '', /New commits have come/);
  t.is((await api.call('getTask', { params })).pulls?.[0]?.head.commit, newer);
  t.deepEqual(await audited(), []);
});

test('who asks to merge again and again gets no answer of the forge for a while', async (t) => {
  const { api, params, commit, calls } = await scene(t);
  const body = { commit: 'a'.repeat(40) };
  const max = LIMITS.merge_methods_per_minute_max;
  const codes = [];
  // Some time may pass meanwhile, in which a few more are let through.
  for (let n = 0; n < max * 1.5; n++) codes.push((await api.refused('mergePull', { params, body })).code);
  t.true(codes.slice(0, max).every((code) => code !== 'rate_limited'));
  t.is(codes.at(-1), 'rate_limited');
  for (const name of ['mergePull', 'readyPull'] as const)
    t.is((await api.refused(name, { params, body: { commit } })).code, 'rate_limited');
  t.is(calls('/merge'), 0);
});

test('only its person merges the pull request of an errand, and no token that may only read', async (t) => {
  const { server, api, params, commit, issue } = await scene(t);
  const other = await server.person('eve@example.com');
  const tokenOf = async (scopes: ('read' | 'tasks')[]) => {
    const { token } = await api.call('createToken', { body: { name: scopes.join(), scopes, expires_in_days: 1 } });
    return new Api(server.url, token);
  };
  const reader = await tokenOf(['read']);
  for (const name of ['mergePull', 'readyPull', 'listMergeMethods'] as const) {
    const request = { params, ...(name !== 'listMergeMethods' && { body: { commit } }) };
    t.is((await other.api.refused(name, request)).code, 'not_found', name);
    t.is((await reader.refused(name, request)).code, 'forbidden', name);
  }
  t.false(issue.pull.merged);
  const worker = await tokenOf(['read', 'tasks']);
  t.like((await worker.call('mergePull', { params, body: { commit } })).pulls?.[0], { state: 'merged' });
});

test('what is no commit, method or repository is refused', async (t) => {
  const { api, params, commit } = await scene(t);
  const wrong = async (body: object) => (await api.refused('mergePull', { params, body })).code;
  t.is(await wrong({}), 'invalid');
  t.is(await wrong({ commit: 'main' }), 'invalid');
  t.is(await wrong({ commit, method: 'octopus' }), 'invalid');
  t.is(await wrong({ commit, method: 'rebase-merge' }), 'invalid');
  t.is(await wrong({ commit, repository: 'other' }), 'not_found');
});
