import test, { type ExecutionContext } from 'ava';
import { endAttempt } from '../../../coordinator/tasks/advance.ts';
import type { FailureReason } from '../../../protocol/task.ts';
import { runTask, taskOf } from '../../support/fixtures.ts';
import { startApi } from '../../support/start-api.ts';

const [repo_url, other_url] = ['https://forge.example/a/b', 'https://forge.example/a/c'];

type Server = Awaited<ReturnType<typeof startApi>>;
type Api = Awaited<ReturnType<Server['person']>>['api'];

/** An errand with addresses alone that failed for this reason. */
async function failed(server: Server, api: Api, reason: FailureReason) {
  const body = { prompt: 'Fix it', repo_url, repositories: [{ repo_url: other_url }] };
  const { id } = await api.call('createTask', { body });
  runTask(server.log, id);
  const end = { status: 'failed' as const, reason, detail: null, at: new Date().toISOString() };
  server.log.write((tx) => endAttempt(tx, taskOf(server.log, id), 1, end));
  return { id };
}

/** Such an errand, after which its person made projects of both. */
async function scene(t: ExecutionContext, reason: FailureReason) {
  const server = await startApi(t);
  const { api } = await server.person();
  const params = await failed(server, api, reason);
  const { id: of_other } = await server
    .person()
    .then(({ api: bob }) => bob.call('createProject', { body: { name: 'Theirs', repo_url, git_token: 'theirs' } }));
  const project = await api.call('createProject', {
    body: { name: 'P', repo_url: `${repo_url}.git`, git_token: 'own' },
  });
  const second = await api.call('createProject', { body: { name: 'Q', repo_url: other_url, git_token: 'own' } });
  t.not(of_other, project.id);
  return { api, params, project, second };
}

test('an errand that lacked a token goes on with the project that its person made for it', async (t) => {
  const { api, params, project, second } = await scene(t, 'repository_not_found');
  t.is((await api.call('getTask', { params })).project_id, null);
  const { project_id, repositories } = await api.call('retryTask', { params, body: {} });
  t.is(project_id, project.id);
  t.is(repositories?.[1]?.project_id, second.id);
});

test('so it does where a message lets it go on', async (t) => {
  const { api, params, project } = await scene(t, 'push_rejected');
  await api.call('createMessage', { params, body: { text: 'The project has a token now.' } });
  t.is((await api.call('getTask', { params })).project_id, project.id);
});

test('the log of the errand tells what it uses of each project that it goes on with', async (t) => {
  const { api, params } = await scene(t, 'repository_not_found');
  await api.call('retryTask', { params, body: {} });
  const { items: events } = await api.call('listEvents', { params });
  const told = events.flatMap(({ type, body }) => (type === 'log' ? [String(body['text'])] : []));
  t.is(told.length, 2);
  t.regex(told[0] ?? '', /your project Q: its token is used for .*forge\.example\/a\/c\./);
  t.regex(
    told[1] ?? '',
    /your project P: its token, variables and settings are used for .*forge\.example\/a\/b\.git\./,
  );
});

test('an errand asks before it pushes if the project that it goes on with does', async (t) => {
  const { api, params, project } = await scene(t, 'push_rejected');
  await api.call('patchProject', { params: { id: project.id }, body: { ask_before_push: true } });
  t.like(await api.call('retryTask', { params, body: {} }), { project_id: project.id, ask_before_push: true });
  t.true((await api.call('getTask', { params })).ask_before_push);
});

test('an errand whose push was rejected goes on without a project that its person had before and did not choose', async (t) => {
  const server = await startApi(t);
  const { api } = await server.person();
  await api.call('createProject', { body: { name: 'P', repo_url, git_token: 'own' } });
  const params = await failed(server, api, 'push_rejected');
  t.is((await api.call('retryTask', { params, body: {} })).project_id, null);
});

for (const reason of ['repository_not_found', 'push_rejected'] as const)
  test(`an errand that failed with ${reason} goes on without a project that has no token to help it`, async (t) => {
    const server = await startApi(t);
    const { api } = await server.person();
    const params = await failed(server, api, reason);
    await api.call('createProject', { body: { name: 'P', repo_url } });
    t.is((await api.call('retryTask', { params, body: {} })).project_id, null);
  });

test('an errand that failed for another reason goes on as it was sent', async (t) => {
  const { api, params } = await scene(t, 'turn_limit');
  t.is((await api.call('retryTask', { params, body: {} })).project_id, null);
});
