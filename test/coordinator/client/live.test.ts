import type { IncomingMessage, ServerResponse } from 'node:http';
import test from 'ava';
import { Refusal } from '../../../coordinator/client/errors.ts';
import { toStored } from '../../../coordinator/client/session.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import type { Api } from '../../support/api.ts';
import { startCuttingProxy } from '../../support/cutting-proxy.ts';
import { sendErrand } from '../../support/send-errand.ts';
import { startApi } from '../../support/start-api.ts';
import { until } from '../../support/until.ts';
import { newDevice, startDevice, type Device } from '../../support/web/device.ts';
import { MemoryDevice } from '../../support/web/memory-storage.ts';
import { startFaultyProxy } from '../../support/web/faulty-proxy.ts';
import { LivelyErrand } from '../../support/web/lively-errand.ts';

const EXPIRED = { access_token: 'expired', expires_at_ms: 0 };

async function remove(api: Api, id: string): Promise<void> {
  await api.call('cancelTask', { params: { id } });
  await api.call('deleteTask', { params: { id } });
}

test('errands that were deleted elsewhere while the connection was cut go, open or not, and all others are live', async (t) => {
  const server = await startApi(t);
  const network = await startCuttingProxy(t, server.url);
  const { api, session } = await server.person();
  const open = await sendErrand(api, { prompt: 'Open' });
  const other = await sendErrand(api, { prompt: 'Other' });
  const closed = await sendErrand(api, { prompt: 'Closed' });
  const stays = await sendErrand(api, { prompt: 'Stays' });
  const device = await newDevice(t, network.url, session);
  await device.isLive();
  for (const { id } of [open, other, stays]) device.live.follow(id, await device.mirror.open(id));
  network.offline = true;
  network.cut();
  await until('the loss is noticed', () => device.states.at(-1)?.kind === 'away');
  for (const { id } of [open, other, closed]) await remove(api, id);
  network.offline = false;
  device.live.wake();
  await device.isLive();
  await until('they are gone', () => device.mirror.tasks().length === 1);
  t.is(device.mirror.conversation(open.id), undefined);
  t.deepEqual([...device.storage.tasks.keys()], [stays.id]);
  new LivelyErrand(server, stays).begin();
  await until('the last one is followed', () => device.mirror.task(stays.id)?.status === 'running');
  t.false(device.states.some(({ kind }) => kind === 'failed'));
});

test('an errand that does not exist can be opened before there is a connection, and the connection comes', async (t) => {
  const server = await startApi(t);
  const network = await startCuttingProxy(t, server.url);
  const { api, session } = await server.person();
  const task = await sendErrand(api);
  const before = await newDevice(t, network.url, session);
  await before.isLive();
  before.live.follow(task.id, await before.mirror.open(task.id));
  await before.close();
  await remove(api, task.id);
  const device = await startDevice(t, before.storage);
  const error = await t.throwsAsync(device.mirror.open(task.id), { instanceOf: Refusal });
  t.is(error.code, 'not_found');
  t.is(device.mirror.conversation(task.id), undefined);
  t.is(device.mirror.task(task.id), undefined);
  network.cut();
  device.live.wake();
  await device.isLive();
  t.false(device.states.some(({ kind }) => kind === 'failed'));
});

const problem = (code: string, status: number) =>
  JSON.stringify({ type: `urn:errand:problem:${code}`, title: code, status, code });
const JSON_TYPE = { 'content-type': 'application/json' };
const PROBLEM_TYPE = { 'content-type': 'application/problem+json' };
const HTML_TYPE = { 'content-type': 'text/html' };

const FAULT = 'a fault of the server';
/** What stands between a phone and its server may answer so for a while. */
const PASSING: [what: string, status: number, headers: Record<string, string>, body: string][] = [
  [FAULT, 500, PROBLEM_TYPE, problem('internal', 500)],
  ['a server that is busy', 429, PROBLEM_TYPE, problem('rate_limited', 429)],
  ['a page with an error', 500, HTML_TYPE, '<h1>Error</h1>'],
  ['a tunnel whose end is away', 530, HTML_TYPE, '<h1>Origin DNS error</h1>'],
  ['a proxy that does not reach the server', 522, HTML_TYPE, ''],
  ['a proxy that has no such site yet', 404, HTML_TYPE, '<h1>Not found</h1>'],
  ['a firewall', 403, HTML_TYPE, '<h1>Forbidden</h1>'],
  ['the page of a train', 200, HTML_TYPE, '<h1>Welcome on board</h1>'],
  ['the log-in of a hotel', 302, { location: 'http://hotel.example/log-in' }, ''],
  ['something else', 200, JSON_TYPE, '{"items":7}'],
];

for (const path of ['/refresh', '/tasks', '/events'])
  test(`whatever answers ${path} in place of the server, the device is live when it has gone, by itself`, async (t) => {
    const server = await startApi(t);
    const { api, session } = await server.person();
    const task = await sendErrand(api);
    // A fault at one log is that errand's alone.
    const passing = path === '/events' ? PASSING.filter(([what]) => what !== FAULT) : PASSING;
    await Promise.all(
      passing.map(async ([what, status, headers, body]) => {
        const proxy = await startFaultyProxy(t, server.url);
        let answers = 0;
        proxy.answer = (request: IncomingMessage, response: ServerResponse) => {
          if (!request.url?.split('?')[0]?.endsWith(path)) return false;
          answers++;
          response.writeHead(status, headers).end(body);
          return true;
        };
        const stored = toStored(proxy.url, session);
        const device = await startDevice(t, new MemoryDevice({ ...stored, ...(path === '/refresh' && EXPIRED) }));
        void device.mirror.open(task.id).catch(() => undefined);
        await until(`${what} is noticed`, () => device.states.some(({ kind }) => kind === 'away'));
        t.true(answers > 0, what);
        proxy.answer = () => false;
        await device.isLive();
        t.false(
          device.states.some(({ kind }) => kind === 'failed' || kind === 'logged_out'),
          what,
        );
      }),
    );
  });

test('a device that could not store news gets them again, and stores each errand of the events up to its cursor', async (t) => {
  const server = await startApi(t);
  const { api, session } = await server.person();
  const device = await newDevice(t, server.url, session);
  await device.isLive();
  const { save } = device.storage.mirror;
  let faults = 0;
  device.storage.mirror.save = (change) =>
    faults++ < 3 ? Promise.reject(new DOMException('The disk is full.', 'QuotaExceededError')) : save(change);
  const task = await sendErrand(api);
  await until('it is stored', () => device.storage.tasks.has(task.id));
  await device.isLive();
  t.true(device.states.some((state) => state.kind === 'away' && state.error.message === 'The disk is full.'));
});

test('a device whose place newer ones took does not come back by itself, but when the person does', async (t) => {
  const server = await startApi(t);
  const { session } = await server.person();
  const devices: Device[] = [];
  for (let n = 0; n <= LIMITS.sockets_per_user_max; n++) {
    devices.push(await newDevice(t, server.url, session));
    await devices.at(-1)?.isLive();
  }
  const displaced = () => devices.filter(({ states }) => states.at(-1)?.kind === 'failed');
  const first = await until('one has lost its place', () => displaced()[0]);
  first.live.wake();
  await first.isLive();
  const next = await until('another one has lost its place', () => displaced()[0]);
  t.not(next, first);
});

/** How long a device takes at most that need not wait for a timeout. The shortest one is that of a handshake. */
const PROMPT_MS = 9_000;

for (const path of ['/tasks', '/events'])
  test(`a loss is noticed while a request to ${path} hangs, and the person's return does not wait for it`, async (t) => {
    const server = await startApi(t);
    const { api, session } = await server.person();
    const task = await sendErrand(api);
    const proxy = await startFaultyProxy(t, server.url);
    let asked = 0;
    const hang = (request: IncomingMessage) => {
      const hangs = request.url?.split('?')[0]?.endsWith(path) === true;
      if (hangs) asked++;
      return hangs;
    };
    const device = await newDevice(t, proxy.url, session);
    await device.isLive();
    device.live.follow(task.id, await device.mirror.open(task.id));
    // The list is read again by a device that has none, the log by each.
    proxy.answer = hang;
    const other = path === '/tasks' ? await newDevice(t, proxy.url, session) : device;
    proxy.cut();
    await until('it catches up', () => other.states.at(-1)?.kind === 'catching_up' && asked > 0);
    proxy.cut();
    await until('the loss is noticed', () => other.states.at(-1)?.kind === 'away');
    await until('it catches up again', () => other.states.at(-1)?.kind === 'catching_up');
    proxy.answer = () => false;
    const back = Date.now();
    await until('it is live again', () => {
      other.live.wake();
      return other.states.at(-1)?.kind === 'live';
    });
    t.true(Date.now() - back < PROMPT_MS);
  });

test('whoever comes back is live at once, however long the wait before the next attempt would be', async (t) => {
  const server = await startApi(t);
  const { api, session } = await server.person();
  const task = await sendErrand(api);
  const proxy = await startFaultyProxy(t, server.url);
  const device = await newDevice(t, proxy.url, session);
  await device.isLive();
  device.live.follow(task.id, await device.mirror.open(task.id));
  proxy.answer = ({ url = '' }, response) => {
    if (!url.split('?')[0]?.endsWith('/events')) return false;
    response.writeHead(503, { ...PROBLEM_TYPE, 'retry-after': '3600' }).end(problem('unavailable', 503));
    return true;
  };
  proxy.cut();
  const away = await until('it waits for long', () => {
    const state = device.states.at(-1);
    return state?.kind === 'away' && state.retry_at - Date.now() > 30_000 ? state : undefined;
  });
  proxy.answer = () => false;
  device.live.wake();
  await device.isLive();
  t.true(Date.now() < away.retry_at);
});

test('a handshake that hangs is given up when the person is back', async (t) => {
  const server = await startApi(t);
  const { session } = await server.person();
  const proxy = await startFaultyProxy(t, server.url);
  let handshakes = 0;
  proxy.hangs = () => ++handshakes > 0;
  const device = await newDevice(t, proxy.url, session);
  const begun = Date.now();
  await until('it shakes hands', () => handshakes > 0);
  proxy.hangs = () => false;
  await until('it is live', () => {
    device.live.wake();
    return device.states.at(-1)?.kind === 'live';
  });
  t.true(Date.now() - begun < PROMPT_MS);
});

test('a renewal of the token that hangs is made anew when the person is back', async (t) => {
  const server = await startApi(t);
  const { session } = await server.person();
  const proxy = await startFaultyProxy(t, server.url);
  let asked = 0;
  proxy.answer = ({ url = '' }) => url.endsWith('/refresh') && ++asked > 0;
  const device = await startDevice(t, new MemoryDevice({ ...toStored(proxy.url, session), ...EXPIRED }));
  const begun = Date.now();
  await until('it is asked for', () => asked > 0);
  proxy.answer = () => false;
  await until('it is live', () => {
    device.live.wake();
    return device.states.at(-1)?.kind === 'live';
  });
  t.true(Date.now() - begun < PROMPT_MS);
  t.false(device.states.some(({ kind }) => kind === 'away'));
});
