import test from 'ava';
import { eventsOf } from '../../support/events-of.ts';
import { startCuttingProxy } from '../../support/cutting-proxy.ts';
import { sendErrand } from '../../support/send-errand.ts';
import { startApi } from '../../support/start-api.ts';
import { until } from '../../support/until.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { againAt, headsOf, type Action, type Entry } from '../../../coordinator/client/sync/outbox-entry.ts';
import { newDevice, startDevice } from '../../support/web/device.ts';
import { startOffline } from '../../support/web/offline-device.ts';
import { answerInstead } from '../../support/answer-instead.ts';
import { LivelyErrand } from '../../support/web/lively-errand.ts';

test('what was said without a network arrives once and in order, also after the death of the app', async (t) => {
  const { api, errand, network, device } = await startOffline(t);
  for (const text of ['first', 'second', 'third'])
    await device.outbox.add({ do: 'say', task_id: errand.id, body: { text } });
  await device.close();
  const later = await startDevice(t, device.storage);
  t.is(later.outbox.entries().length, 3);
  network.offline = false;
  later.live.wake();
  await until('all are sent', () => later.outbox.entries().every(({ message_id }) => message_id !== undefined));
  const said = (await eventsOf(api, errand.id)).filter(({ type }) => type === 'message.received');
  t.deepEqual(
    said.map(({ body }) => body.text),
    ['first', 'second', 'third'],
  );
  await later.outbox.seen(errand.id, new Set(said.map(({ body }) => String(body.message_id))), 0);
  t.is(device.storage.entries.size, 0);
});

test('an action whose answer was lost counts once', async (t) => {
  const server = await startApi(t);
  const network = await startCuttingProxy(t, server.url);
  const { api, session } = await server.person();
  const device = await newDevice(t, network.url, session);
  await device.isLive();
  network.loseAnswer();
  await device.outbox.add({ do: 'send', body: { prompt: 'Once', repo_url: 'https://forge.example/a/b' } });
  await device.outbox.flush();
  await until('it is sent', async () => {
    await device.outbox.flush();
    return device.outbox.entries().length === 0;
  });
  t.is((await api.call('listTasks', {})).items.length, 1);
});

test('a refused action stays to be shown, and does not stop those behind it', async (t) => {
  const server = await startApi(t);
  const { api, session } = await server.person();
  const errand = new LivelyErrand(server, await sendErrand(api));
  errand.begin();
  errand.succeed({});
  const device = await newDevice(t, server.url, session);
  await device.isLive();
  await device.outbox.add({ do: 'stop', task_id: errand.id });
  await device.outbox.add({ do: 'say', task_id: errand.id, body: { text: 'go on' } });
  await until('the second is sent', () => device.outbox.entries().some(({ message_id }) => message_id !== undefined));
  const [first] = device.outbox.entries();
  t.is(first?.refused?.code, 'conflict');
  t.truthy(await device.outbox.takeBack(first?.key ?? ''));
});

test('what was refused for an errand that is gone becomes a new errand, with its words and files', async (t) => {
  const { api, errand, network, device } = await startOffline(t);
  errand.succeed({});
  const body = { text: 'Round down', attachments: ['f'] };
  const add = (action: Action) => device.outbox.add(action);
  const said = await add({ do: 'say', task_id: errand.id, body });
  const stopped = await add({ do: 'stop', task_id: errand.id });
  const answer = { choose: ['1'], text: 'Neither' };
  const answered = await add({ do: 'answer', task_id: errand.id, need_id: errand.id, body: answer });
  const waiting = await device.outbox.add({ do: 'say', task_id: errand.id, body: { text: 'later' } }, 60_000);
  await api.call('deleteTask', { params: { id: errand.id } });
  network.offline = false;
  device.live.wake();
  const entryOf = (key: string) => device.outbox.entries().find((entry) => entry.key === key);
  await until('all are refused', () => [said, stopped, answered].every((key) => entryOf(key)?.refused !== undefined));
  const before = device.outbox.entries();
  await device.outbox.seenErrands((id) => Promise.resolve(id === errand.id));
  t.deepEqual(device.outbox.entries(), before, 'while it is there its screen has them');
  await device.outbox.seenErrands(() => Promise.resolve(false));
  const { text: prompt, attachments } = body;
  t.like(entryOf(said), { action: { do: 'send', body: { prompt, attachments } }, gone: true, tried: true });
  t.truthy(entryOf(said)?.refused, 'it is not sent by itself');
  t.like(entryOf(answered), { action: { do: 'send', body: { prompt: 'Neither' } }, gone: true });
  t.is(entryOf(stopped), undefined, 'nothing is left to show of it');
  t.is(entryOf(waiting)?.action.do, 'say', 'it was not refused');
  await device.outbox.flush();
  t.deepEqual((await api.call('listTasks', {})).items, []);
});

test('what waits can be taken back until it was sent', async (t) => {
  const { api, errand, network, device } = await startOffline(t);
  const say = (text: string) => device.outbox.add({ do: 'say', task_id: errand.id, body: { text } });
  await say('on its way');
  const key = await say('not yet');
  await until('the first was tried', () => device.outbox.entries()[0]?.tried === true);
  t.falsy(await device.outbox.takeBack(device.outbox.entries()[0]?.key ?? ''), 'it may have arrived');
  t.truthy(await device.outbox.takeBack(key));
  network.offline = false;
  device.live.wake();
  await until('the first is sent', () => device.outbox.entries()[0]?.message_id !== undefined);
  const said = (await eventsOf(api, errand.id)).filter(({ type }) => type === 'message.received');
  t.deepEqual(
    said.map(({ body }) => body.text),
    ['on its way'],
  );
});

test('a message is not shown as unheard once its event is above what is read of the log', async (t) => {
  const { errand, network, device } = await startOffline(t);
  const key = await device.outbox.add({ do: 'say', task_id: errand.id, body: { text: 'from the bus' } });
  network.offline = false;
  device.live.wake();
  await until('it is sent', () => device.outbox.entries().some(({ message_id }) => message_id !== undefined));
  await device.close();
  // More events than a page come while the app is closed.
  for (let i = 0; i < LIMITS.page_items_max + 5; i++) errand.say(`step ${i}`);
  const later = await startDevice(t, device.storage);
  const last_id = await later.mirror.open(errand.id);
  const items = later.mirror.conversation(errand.id)?.items ?? [];
  t.false(items.some((item) => item.kind === 'person' && item.text === 'from the bus'));
  t.true(later.outbox.entries().some((entry) => entry.key === key));
  await later.outbox.seen('another', new Set(), last_id);
  t.is(later.outbox.entries().length, 1);
  await later.outbox.seen(errand.id, new Set(), last_id);
  t.is(later.outbox.entries().length, 0);
});

for (const [name, status, type, body] of [
  ['a page of a firewall', 403, 'text/html', '<h1>Forbidden</h1>'],
  ['a page of a proxy that does not know the path', 404, 'text/html', '<h1>Not found</h1>'],
  ['a proxy that takes no large bodies', 413, 'text/plain', 'too large'],
  ['a login page of a network', 201, 'text/html', '<form>Log in</form>'],
  ['JSON of another version', 201, 'application/json', '{"of":"another version"}'],
  ['an error of the server', 500, 'application/problem+json', problem('internal', 500)],
  ['a limit of requests', 429, 'application/problem+json', problem('rate_limited', 429)],
] as const)
  test(`${name} in place of an answer holds one errand only, says why, and can be dropped`, async (t) => {
    const server = await startApi(t);
    const { api, session } = await server.person();
    const [stuck, other] = [
      new LivelyErrand(server, await sendErrand(api)),
      new LivelyErrand(server, await sendErrand(api)),
    ];
    for (const errand of [stuck, other]) errand.begin();
    const network = await answerInstead(t, server.url, `/tasks/${stuck.id}/messages`, { status, type, body });
    const device = await newDevice(t, network, session);
    await device.isLive();
    const key = await device.outbox.add({ do: 'say', task_id: stuck.id, body: { text: 'stuck' } });
    await device.outbox.add({ do: 'archive', task_id: stuck.id, archived: true });
    await device.outbox.add({ do: 'say', task_id: other.id, body: { text: 'free' } });
    const entryOf = (text: string) =>
      device.outbox.entries().find(({ action }) => action.do === 'say' && action.body.text === text);
    await until('the other errand has its message', () => entryOf('free')?.message_id);
    const failed = await until('it says why', () => entryOf('stuck')?.failed);
    t.not(failed.detail, '');
    await device.outbox.flush();
    const { attempts = 0, at = '' } = entryOf('stuck')?.failed ?? {};
    t.true(attempts === failed.attempts || Date.parse(at) >= againAt(failed), 'it is not tried again at once');
    t.true(
      device.outbox.entries().some(({ action, tried }) => action.do === 'archive' && !tried),
      'the order is kept',
    );
    t.truthy(await device.outbox.takeBack(key));
    await device.outbox.flush();
    t.true(device.outbox.entries().every(({ action, tried }) => action.do !== 'archive' || tried));
  });

test('what failed is tried again later each time, in order with what is behind it', (t) => {
  const at = '2026-01-01T00:00:00.000Z';
  const say = (key: string, task_id: string): Entry => ({
    key,
    at,
    action: { do: 'say', task_id, body: { text: key } },
    tried: true,
  });
  const failed = (attempts: number): Entry => ({ ...say('a', 'x'), failed: { detail: 'no', at, attempts } });
  const entries = (attempts: number) => [failed(attempts), say('b', 'x')];
  const start = Date.parse(at);
  const delays = Array.from({ length: 12 }, (_, i) => {
    const times = Array.from({ length: 1000 }, (__, s) => s);
    return times.find((after_s) => headsOf(entries(i + 1), start + after_s * 1000)[0]?.key === 'a');
  });
  t.deepEqual(delays.slice(0, 4), [5, 10, 20, 40]);
  t.is(delays.at(-1), 600);
});

test('two windows of one device send what is stored: nothing that one took back, and the words that it changed', async (t) => {
  const { api, errand, network, device } = await startOffline(t);
  const say = (text: string) => device.outbox.add({ do: 'say', task_id: errand.id, body: { text } });
  // The head is tried at once without a network; what is behind it is not.
  await say('head');
  const [dropped, changed] = [await say('dropped'), await say('old words')];
  const other = await startDevice(t, device.storage);
  t.is(other.outbox.entries().length, 3);
  t.truthy(await device.outbox.takeBack(dropped));
  t.true(await device.outbox.change(changed, 'new words'));
  await say('added later');
  await device.close();
  network.offline = false;
  other.live.wake();
  const said = async () =>
    (await eventsOf(api, errand.id)).flatMap(({ type, body }) => (type === 'message.received' ? [body.text] : []));
  await until('all are sent', async () => (await said()).length >= 3);
  await other.outbox.flush();
  t.deepEqual(await said(), ['head', 'new words', 'added later']);
  t.false(device.storage.entries.has(dropped));
  t.falsy(await other.outbox.takeBack(dropped), 'it is gone here too');
});

test('what is taken back while it is being stored as tried either goes or is gone, never both', async (t) => {
  const server = await startApi(t);
  const { api, session } = await server.person();
  const errand = new LivelyErrand(server, await sendErrand(api));
  errand.begin();
  const device = await newDevice(t, server.url, session);
  await device.isLive();
  const taken = new Set<string>();
  for (let round = 0; round < 20; round++) {
    const key = await device.outbox.add({ do: 'say', task_id: errand.id, body: { text: `round ${round}` } });
    for (let turn = 0; turn < round; turn++) await Promise.resolve();
    if (await device.outbox.takeBack(key)) taken.add(`round ${round}`);
  }
  await device.outbox.flush();
  const said = (await eventsOf(api, errand.id)).filter(({ type }) => type === 'message.received');
  const texts = said.map(({ body }) => String(body.text));
  t.deepEqual(
    texts.filter((text) => taken.has(text)),
    [],
  );
  t.is(texts.length + taken.size, 20);
});

test('what is added while the last one ends is sent without another flush', async (t) => {
  const server = await startApi(t);
  const { api, session } = await server.person();
  const errand = new LivelyErrand(server, await sendErrand(api));
  errand.begin();
  const device = await newDevice(t, server.url, session);
  await device.isLive();
  const { locked } = device.storage.outbox;
  let adds = 5;
  device.storage.outbox.locked = async (act) => {
    await locked(act);
    // The loop has ended, and its lock is not given back yet.
    if (adds-- > 0) await device.outbox.add({ do: 'say', task_id: errand.id, body: { text: `late ${adds}` } });
  };
  await device.outbox.flush();
  t.true(device.outbox.entries().every(({ message_id }) => message_id !== undefined));
  t.is(device.outbox.entries().length, 5);
});

function problem(code: string, status: number): string {
  return JSON.stringify({ type: 'about:blank', title: 'It failed', status, code, detail: 'It failed.' });
}
