import test, { type ExecutionContext } from 'ava';
import { readTaskSecrets } from '../../../coordinator/tasks/secrets.ts';
import { VARIABLES_MAX } from '../../../protocol/variables.ts';
import { startApi } from '../../support/start-api.ts';

const repo_url = 'https://forge.example/a/b';

async function startProject(t: ExecutionContext, body: object = {}) {
  const server = await startApi(t);
  const { api } = await server.person();
  const { id } = await api.call('createProject', { body: { name: 'P', repo_url, ...body } });
  const call = { params: { id } };
  return {
    server,
    patch: (change: object) => api.call('patchProject', { ...call, body: change }),
    refused: (change: object) => api.refused('patchProject', { ...call, body: change }),
    secrets: () => readTaskSecrets(server.db, server.keys, { project_id: id, repo_url }).env,
    env: async () => (await api.call('getProject', call)).env,
  };
}

test('a patch sets and removes the variables that it names, and the others stay', async (t) => {
  const start = { env: { PORT: '1', HOST: 'h' }, secrets: { A: '1', B: '2' } };
  const { patch, secrets, env } = await startProject(t, start);
  t.deepEqual((await patch({ secrets: { C: '3' } })).secret_names, ['A', 'B', 'C']);
  await patch({ secrets: { A: null, B: 'new', NOT_THERE: null } });
  t.deepEqual(secrets(), { B: 'new', C: '3' });
  await patch({ env: { PORT: '2', HOST: null, NODE_ENV: 'test' } });
  t.deepEqual(await env(), { PORT: '2', NODE_ENV: 'test' });
  await patch({ secrets: {}, env: {} });
  t.deepEqual(secrets(), { B: 'new', C: '3' });
  t.deepEqual(await env(), { PORT: '2', NODE_ENV: 'test' });
});

test('a new project takes no null for a variable', async (t) => {
  const { api } = await (await startApi(t)).person();
  const refused = await api.refused('createProject', { body: { name: 'P', repo_url, secrets: { A: null } } });
  t.like(refused, { code: 'invalid', errors: [{ field: '/secrets/A' }] });
});

test('a variable cannot become plain and secret by two patches, and can change its kind by one', async (t) => {
  const { patch, refused, secrets, env } = await startProject(t, { secrets: { PORT: '1' } });
  t.like(await refused({ env: { PORT: '2' } }), { code: 'invalid', errors: [{ field: '/env/PORT' }] });
  await patch({ env: { PORT: '2' }, secrets: { PORT: null } });
  t.like(await refused({ secrets: { PORT: '3' } }), { code: 'invalid', errors: [{ field: '/env/PORT' }] });
  t.deepEqual([secrets(), await env()], [{}, { PORT: '2' }]);
});

for (const kind of ['env', 'secrets'] as const) {
  const some = (from: number, count: number, value: string | null = 'v') =>
    Object.fromEntries(Array.from({ length: count }, (_, n) => [`V${from + n}`, value]));

  test(`many patches together give no more of ${kind} than one may`, async (t) => {
    const { patch, refused } = await startProject(t, { [kind]: some(0, VARIABLES_MAX) });
    const field = `/${kind}`;
    t.like(await refused({ [kind]: { ONE_MORE: 'v' } }), { code: 'invalid', errors: [{ field }] });
    await patch({ [kind]: { ONE_MORE: 'v', V0: null } });
    await patch({ [kind]: { ...some(1, VARIABLES_MAX - 1, null), ...some(200, VARIABLES_MAX - 1) } });
    t.like(await refused({ [kind]: some(300, 2 * VARIABLES_MAX + 1, null) }), { errors: [{ field }] });
  });

  test(`many patches together give no larger ${kind} than a request may have`, async (t) => {
    const long = 'x'.repeat(10_000);
    const { patch, refused } = await startProject(t, { [kind]: some(0, 20, long) });
    await patch({ [kind]: some(20, 6, long) });
    const field = `/${kind}`;
    const refusal = await refused({ [kind]: some(26, 1, long) });
    t.like(refusal, { code: 'invalid', errors: [{ field }] });
    t.regex(refusal.detail ?? '', /more than 256 kB/);
    await patch({ [kind]: { ...some(26, 1, long), V0: null } });
  });
}

test('two patches at once each set their own secret', async (t) => {
  const { patch, secrets } = await startProject(t);
  await Promise.all([patch({ secrets: { A: '1' } }), patch({ secrets: { B: '2' } })]);
  t.deepEqual(secrets(), { A: '1', B: '2' });
});

test('secrets that were sealed with lost keys are set anew or removed one by one, none by the way', async (t) => {
  const { server, patch, refused, secrets } = await startProject(t, { secrets: { A: '1', B: '2' } });
  server.keys.seal.fill(7);
  t.is((await refused({ secrets: { A: 'new' } })).code, 'conflict', 'B would go');
  t.like(await patch({ secrets: { A: 'new', B: null } }), { secret_names: ['A'], has_git_token: false });
  t.deepEqual(secrets(), { A: 'new' });
});
