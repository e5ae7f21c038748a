import test, { type ExecutionContext } from 'ava';
import { Conversation } from '../../../coordinator/client/errand/conversation.ts';
import { knownEvent } from '../../../coordinator/client/known-event.ts';
import { eventsOf } from '../../support/events-of.ts';
import { startCuttingProxy } from '../../support/cutting-proxy.ts';
import { sendErrand } from '../../support/send-errand.ts';
import { startApi } from '../../support/start-api.ts';
import { until } from '../../support/until.ts';
import { newDevice, type Device } from '../../support/web/device.ts';
import { startFaultyProxy } from '../../support/web/faulty-proxy.ts';
import { LivelyErrand } from '../../support/web/lively-errand.ts';

const LONG = 'long '.repeat(4_000);

async function beginErrand(t: ExecutionContext) {
  const server = await startApi(t);
  const { api, session } = await server.person();
  const errand = new LivelyErrand(server, await sendErrand(api));
  errand.begin();
  return { server, api, session, errand };
}

async function openOn({ mirror, live, isLive }: Device, id: string) {
  await isLive();
  live.follow(id, await mirror.open(id));
  return () => mirror.conversation(id)?.items.filter((item) => item.kind === 'said') ?? [];
}

test('a long text whose rest could not be read is whole once the server can be reached', async (t) => {
  const { server, session, errand } = await beginErrand(t);
  const network = await startCuttingProxy(t, server.url);
  errand.say(LONG);
  const device = await newDevice(t, network.url, session);
  const said = await openOn(device, errand.id);
  const cut = said()[0]?.cut ?? [];
  t.is(cut.length, 1);
  network.offline = true;
  network.cut();
  await t.throwsAsync(device.mirror.whole(errand.id, cut));
  network.offline = false;
  device.live.wake();
  await until('it is whole', () => said()[0]?.text === LONG);
});

test('a long text that is in front of a log that opened anew is left out, and the log has no gaps', async (t) => {
  const { server, api, session, errand } = await beginErrand(t);
  const network = await startCuttingProxy(t, server.url);
  errand.say(LONG);
  const device = await newDevice(t, network.url, session);
  const said = await openOn(device, errand.id);
  const cut = said()[0]?.cut ?? [];
  network.offline = true;
  network.cut();
  await t.throwsAsync(device.mirror.whole(errand.id, cut));
  for (let n = 0; n < 250; n++) errand.say(`While it was away, ${n}`);
  const events = await eventsOf(api, errand.id);
  const expected = new Conversation(knownEvent);
  expected.apply(events);
  network.offline = false;
  device.live.wake();
  const now = () => device.mirror.conversation(errand.id);
  await until('its end is there', () => now()?.last_id === expected.last_id);
  await device.mirror.whole(errand.id, cut);
  t.true((now()?.first_id ?? 0) > (cut[0] ?? 0));
  while (now()?.has_beginning === false) await device.mirror.earlier(errand.id);
  t.deepEqual(
    now()?.items.map(({ key }) => key),
    expected.items.map(({ key }) => key),
  );
  t.deepEqual(
    [...device.storage.events.keys()].sort((a, b) => a - b),
    events.map(({ id }) => id),
  );
});

test('a long text whose rest is refused does not hold up the others, and is asked for again unless it is gone', async (t) => {
  const { server, session, errand } = await beginErrand(t);
  const proxy = await startFaultyProxy(t, server.url);
  for (let n = 0; n < 3; n++) errand.say(LONG);
  const device = await newDevice(t, proxy.url, session);
  const said = await openOn(device, errand.id);
  const cut = said().flatMap((row) => row.cut ?? []);
  t.is(cut.length, 3);
  const isWhole = () => said().map(({ text }) => text === LONG);
  const refusals = [
    { code: 'not_found', status: 404 },
    { code: 'internal', status: 500 },
  ];
  const asked = [0, 0];
  proxy.answer = ({ url = '' }, response) => {
    const nth = cut.findIndex((id) => url.endsWith(`/events/${id}`));
    const problem = refusals[nth];
    if (!problem) return false;
    asked[nth] = (asked[nth] ?? 0) + 1;
    if (asked[nth] > 1) return false;
    const { code, status } = problem;
    response.writeHead(status, { 'content-type': 'application/problem+json' });
    response.end(JSON.stringify({ type: `urn:errand:problem:${code}`, title: code, status, code }));
    return true;
  };
  await device.mirror.whole(errand.id, cut);
  t.deepEqual(isWhole(), [false, false, true]);
  proxy.cut();
  device.live.wake();
  // They are asked for in order.
  await until('the second is whole', () => isWhole()[1]);
  t.deepEqual(isWhole(), [false, true, true]);
  t.deepEqual(asked, [1, 2]);
});
