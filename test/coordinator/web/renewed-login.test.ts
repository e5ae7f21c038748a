import 'fake-indexeddb/auto';
import type { ServerResponse } from 'node:http';
import test from 'ava';
import { Client } from '../../../coordinator/client/client.ts';
import { LoggedOut } from '../../../coordinator/client/errors.ts';
import { send } from '../../../coordinator/client/http.ts';
import { toStored } from '../../../coordinator/client/session.ts';
import { Database } from '../../../coordinator/web/store/database.ts';
import { outboxStorage, sessionStore } from '../../../coordinator/web/store/storage.ts';
import type { Session } from '../../../protocol/accounts.ts';
import { startApi } from '../../support/start-api.ts';
import { startFaultyProxy } from '../../support/web/faulty-proxy.ts';

for (const [what, next] of [
  ['logs out', undefined],
  ['is replaced by another one', 'bob@example.org'],
  ['logs in again', 'person1@example.org'],
] as const)
  test(`tokens that are renewed while the person ${what} in another window do not bring the log-in back`, async (t) => {
    const server = await startApi(t);
    const proxy = await startFaultyProxy(t, server.url);
    const { session, password } = await server.person();
    const database = new Database(`renewed while ${what}`);
    const logins = sessionStore(database);
    await database.replaceLogin({ ...toStored(proxy.url, session), expires_at_ms: 0 });
    const client = await Client.open(logins, { signal: new AbortController().signal });
    const held = Promise.withResolvers<ServerResponse>();
    proxy.answer = ({ url = '' }, response) => {
      if (url.endsWith('/refresh')) held.resolve(response);
      return url.endsWith('/refresh');
    };
    const again = next === session.user.email;
    const renewing = again ? client.token() : t.throwsAsync(client.token(), { instanceOf: LoggedOut });
    const response = await held.promise;
    await database.clear();
    const logIn = (email: string): Promise<Session> =>
      email === session.user.email
        ? send(server.url, 'login', { body: { email, password } }, {}, new AbortController().signal)
        : server.person(email).then((person) => person.session);
    const other = next === undefined ? undefined : toStored(proxy.url, await logIn(next));
    if (other) await database.replaceLogin(other);
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(session));
    const token = await renewing;
    t.deepEqual(await logins.read(), other);
    if (again && other) t.is(token, other.access_token, 'the window goes on with it');
  });

test('tokens that are renewed are kept', async (t) => {
  const server = await startApi(t);
  const { session } = await server.person();
  const database = new Database('renewed');
  const logins = sessionStore(database);
  await database.replaceLogin({ ...toStored(server.url, session), expires_at_ms: 0 });
  const client = await Client.open(logins, { signal: new AbortController().signal });
  const token = await client.token();
  const kept = await logins.read();
  t.is(kept?.access_token, token);
  t.not(kept?.refresh_token, session.refresh_token);
});

test('an app at another path of the same host holds up neither new tokens nor what waits to be sent', async (t) => {
  const [one, other] = [new Database('errand'), new Database('errand/other')];
  const held = Promise.withResolvers<void>();
  const outbox = outboxStorage(one);
  const holding = [
    sessionStore(one).locked(() => held.promise),
    outbox.locked(() => held.promise),
    outbox.uploading(() => held.promise),
  ];
  let done = 0;
  const act = () => Promise.resolve(void done++);
  await sessionStore(other).locked(act);
  await outboxStorage(other).locked(act);
  await outboxStorage(other).uploading(act);
  t.is(done, 3);
  held.resolve();
  await Promise.all(holding);
});
