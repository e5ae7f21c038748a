import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import test from 'ava';
import { CLOSE } from '../../../protocol/socket.ts';
import { Api } from '../../support/api.ts';
import { PASSWORD, startApi } from '../../support/start-api.ts';
import { TestClient } from '../../support/test-client.ts';

const repo_url = 'https://forge.example/a/b';

test('deleting an account takes its password and no active task; its email address is free at once', async (t) => {
  const server = await startApi(t);
  await server.person();
  const { api, session } = await server.person('bob@example.org');
  const body = { password: PASSWORD };
  const wrong = await api.refused('deleteMe', { body: { password: 'a wrong one, and long' } });
  t.is(wrong.code, 'wrong_credentials');
  const task = await api.call('createTask', { body: { prompt: 'x', repo_url } });
  t.is((await api.refused('deleteMe', { body })).code, 'conflict');
  await api.call('cancelTask', { params: task });

  const elsewhere = await new Api(server.url).call('login', { body: { email: 'bob@example.org', password: PASSWORD } });
  const protocols = ['errand.v1', `bearer.${elsewhere.access_token}`];
  const socket = new TestClient(`${server.url.replace('http', 'ws')}/ws`, session.user.id, protocols);
  await socket.until(() => socket.of('hello').length === 1);
  await api.call('deleteMe', { body });
  await socket.until(() => socket.closed !== undefined);
  t.is(socket.closed?.code, CLOSE.unauthenticated);
  for (const token of [session.access_token, elsewhere.access_token])
    t.is((await new Api(server.url, token).refused('me', {})).code, 'unauthenticated');
  const { refresh_token } = elsewhere;
  t.is((await api.refused('refresh', { body: { refresh_token } })).code, 'unauthenticated');
  const again = { email: 'bob@example.org', password: PASSWORD };
  t.is((await api.refused('login', { body: again })).code, 'wrong_credentials');

  const anew = await new Api(server.url).call('signup', { body: again });
  t.not(anew.user.id, session.user.id);
  t.deepEqual((await new Api(server.url, anew.access_token).call('listTasks', {})).items, []);
});

test('a request whose body arrives after its account was removed does nothing', async (t) => {
  const server = await startApi(t);
  await server.person();
  const { api, session } = await server.person();
  const request = httpRequest(`${server.url}/task`, {
    method: 'POST',
    headers: { authorization: `Bearer ${session.access_token}`, 'content-type': 'application/json' },
  });
  const [answered, seen] = [once(request, 'response'), once(server.http, 'request')];
  request.write('{"prompt":"x",');
  await seen;
  await api.call('deleteMe', { body: { password: PASSWORD } });
  request.end(`"repo_url":"${repo_url}"}`);
  const [response] = (await answered) as [IncomingMessage];
  t.is(response.statusCode, 401);
  response.resume();
  await once(response, 'end');
  t.is(server.db.prepare('SELECT count(*) FROM tasks').pluck().get(), 0);
});

test('guessing the password of a logged-in account is rate-limited like a login', async (t) => {
  const server = await startApi(t);
  await server.person();
  const { api } = await server.person();
  const body = { password: 'a wrong one, and long' };
  // After the fifth failure each one doubles the wait, from one second. A slow machine reaches the limit later.
  const codes: string[] = [];
  while (codes.length < 12 && !codes.includes('rate_limited'))
    codes.push((await api.refused('deleteMe', { body })).code);
  t.deepEqual([...new Set(codes)], ['wrong_credentials', 'rate_limited']);
});

test("the owner's account cannot be deleted, and sign-up stays closed", async (t) => {
  const server = await startApi(t, { ERRAND_SIGNUP: 'closed' });
  const { api } = await server.person();
  t.is((await api.refused('deleteMe', { body: { password: PASSWORD } })).code, 'conflict');
  t.is((await api.call('me', {})).role, 'owner');
  const stranger = { email: 'eve@example.org', password: PASSWORD };
  t.is((await new Api(server.url).refused('signup', { body: stranger })).code, 'signup_closed');
});
