import 'fake-indexeddb/auto';
import test from 'ava';
import { Client } from '../../../coordinator/client/client.ts';
import { toStored } from '../../../coordinator/client/session.ts';
import { canTakeBack } from '../../../coordinator/client/sync/outbox-entry.ts';
import { Acts } from '../../../coordinator/web/store/acts.ts';
import { Database } from '../../../coordinator/web/store/database.ts';
import { Files } from '../../../coordinator/web/store/files.ts';
import { Texts } from '../../../coordinator/web/store/texts.ts';
import { eventsOf } from '../../support/events-of.ts';
import { sendErrand } from '../../support/send-errand.ts';
import { startApi } from '../../support/start-api.ts';
import { startFaultyProxy } from '../../support/web/faulty-proxy.ts';
import { MemoryDevice } from '../../support/web/memory-storage.ts';

test('what waits is tried without a connection only once the server answers: until then it can be taken back', async (t) => {
  const server = await startApi(t);
  const proxy = await startFaultyProxy(t, server.url);
  const { api, session } = await server.person();
  const { id } = await sendErrand(api);
  const stop = new AbortController();
  t.teardown(() => stop.abort());
  const client = await Client.open(new MemoryDevice(toStored(proxy.url, session)).session, { signal: stop.signal });
  const database = new Database('insists');
  const texts = new Texts(database);
  const acts = new Acts(
    { database, client, files: new Files(database, client), texts },
    { changed: () => undefined, task: () => Promise.resolve(), reachable: () => false },
  );
  t.teardown(() => acts.stop());
  await acts.say(id, 'From the tunnel');
  const asked: string[] = [];
  proxy.answer = ({ url = '' }, response) => {
    asked.push(url);
    response.destroy();
    return true;
  };
  await acts.insist();
  t.deepEqual(asked, ['/healthz']);
  t.true(acts.entries.value.every(canTakeBack));
  proxy.answer = () => false;
  await acts.insist();
  const said = (await eventsOf(api, id)).filter(({ type }) => type === 'message.received');
  t.deepEqual(
    said.map(({ body }) => body.text),
    ['From the tunnel'],
  );
  proxy.answer = ({ url = '' }) => asked.push(url) > 0;
  await acts.insist();
  t.is(asked.length, 1, 'nothing waits any more');
});
