import test from 'ava';
import { REFRESH_TOKEN_S } from '../../../coordinator/auth/sessions.ts';
import { ACCESS_TOKEN_S } from '../../../coordinator/auth/access-tokens.ts';
import type { Session } from '../../../protocol/accounts.ts';
import { CLOSE, SUBPROTOCOL } from '../../../protocol/socket.ts';
import { Api } from '../../support/api.ts';
import { PASSWORD, startApi, type StartedApi } from '../../support/start-api.ts';
import { TestClient } from '../../support/test-client.ts';

type Scene = { server: StartedApi; phone: Session; desk: Session };
const apiOf = ({ server }: Scene, session?: Session) => new Api(server.url, session?.access_token);
const login = (server: StartedApi, email: string): Promise<Session> =>
  new Api(server.url).call('login', { body: { email, password: PASSWORD } });

/** How the log-in of the phone ends. Each ends no log-in of other people. */
const ENDS: Record<string, (scene: Scene) => Promise<unknown>> = {
  'it logs out': (scene) => apiOf(scene).call('logout', { body: { refresh_token: scene.phone.refresh_token } }),
  'another device revokes it': async (scene) => {
    const api = apiOf(scene, scene.desk);
    const { items } = await api.call('listSessions', { query: {} });
    for (const { id } of items.filter(({ current }) => !current)) await api.call('deleteSession', { params: { id } });
  },
  'the password is changed elsewhere': (scene) =>
    apiOf(scene, scene.desk).call('changePassword', {
      body: { old_password: PASSWORD, new_password: 'another horse battery' },
    }),
  'its refresh token is used after the one that took its place': async (scene) => {
    const body = { refresh_token: scene.phone.refresh_token };
    const { refresh_token } = await apiOf(scene).call('refresh', { body });
    await apiOf(scene).call('refresh', { body: { refresh_token } });
    await apiOf(scene).refused('refresh', { body });
  },
  'it expires, and nobody does anything': async ({ server }) => {
    server.clock.ahead_ms = REFRESH_TOKEN_S * 1000 + 1000;
  },
  'its rows are gone, after a restore': async ({ server, phone }) => {
    server.db.prepare('DELETE FROM refresh_tokens WHERE user_id = ?').run(phone.user.id);
  },
  'the account is deleted': (scene) => apiOf(scene, scene.desk).call('deleteMe', { body: { password: PASSWORD } }),
};

for (const [what, end] of Object.entries(ENDS))
  test(`the sockets of a log-in are closed with 4401 when ${what}`, async (t) => {
    const server = await startApi(t);
    await server.person('owner@example.org');
    const { session: phone } = await server.person('ann@example.org');
    const scene = { server, phone, desk: await login(server, 'ann@example.org') };
    const url = `${server.url.replace('http', 'ws')}/ws`;
    const { ticket } = await apiOf(scene, phone).call('wsTicket', {});
    const sockets = [
      new TestClient(url, phone.user.id, [SUBPROTOCOL, `bearer.${phone.access_token}`]),
      new TestClient(url, `${phone.user.id}?ticket=${ticket}`, [SUBPROTOCOL]),
    ];
    for (const socket of sockets) {
      await socket.until(() => socket.of('hello').length === 1);
      socket.say({ type: 'subscribe', after: 0 });
      await socket.until(() => socket.of('caught_up').length === 1);
    }
    t.true(sockets.every(({ closed }) => closed === undefined));
    await end(scene);
    for (const socket of sockets) {
      await socket.until(() => socket.closed !== undefined);
      t.is(socket.closed?.code, CLOSE.unauthenticated);
    }
  });

test('a socket outlives its access token, and the other log-ins of the same person', async (t) => {
  const server = await startApi(t);
  const { session } = await server.person('ann@example.org');
  const other = await login(server, 'ann@example.org');
  const socket = new TestClient(`${server.url.replace('http', 'ws')}/ws`, session.user.id, [
    SUBPROTOCOL,
    `bearer.${session.access_token}`,
  ]);
  await socket.until(() => socket.of('hello').length === 1);
  server.clock.ahead_ms = ACCESS_TOKEN_S * 1000 * 3;
  await new Api(server.url).call('logout', { body: { refresh_token: other.refresh_token } });
  socket.say({ type: 'subscribe', after: 0 });
  await socket.until(() => socket.of('caught_up').length === 1);
  // Longer than it takes to find an expired one.
  await new Promise((resolve) => setTimeout(resolve, 500));
  t.is(socket.closed, undefined);
  await socket.close();
});
