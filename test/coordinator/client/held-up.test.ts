import test from 'ava';
import { sendErrand } from '../../support/send-errand.ts';
import { startApi } from '../../support/start-api.ts';
import { until } from '../../support/until.ts';
import { newDevice } from '../../support/web/device.ts';
import { startFaultyProxy } from '../../support/web/faulty-proxy.ts';
import { LivelyErrand } from '../../support/web/lively-errand.ts';

test('an errand that the server cannot read holds up none of the others, open or not', async (t) => {
  const server = await startApi(t);
  const proxy = await startFaultyProxy(t, server.url);
  const { api, session } = await server.person();
  const [bad, good] = [
    new LivelyErrand(server, await sendErrand(api)),
    new LivelyErrand(server, await sendErrand(api, { prompt: 'Good' })),
  ];
  bad.begin();
  bad.succeed({});
  const archive = (archived: boolean) => api.call('patchTask', { params: { id: bad.id }, body: { archived } });
  const other = await newDevice(t, server.url, session);
  await other.isLive();
  await archive(true);
  await until('another device is told of the whole', () => other.mirror.task(bad.id)?.archived === true);
  let refused = 0;
  proxy.answer = ({ url = '' }, response) => {
    if (!url.endsWith(`/tasks/${bad.id}`)) return false;
    refused++;
    const problem = { type: 'urn:errand:problem:internal', title: 'Internal', status: 500, code: 'internal' };
    response.writeHead(500, { 'content-type': 'application/problem+json' }).end(JSON.stringify(problem));
    return true;
  };
  const device = await newDevice(t, proxy.url, session);
  await t.throwsAsync(device.mirror.open(bad.id));
  await device.isLive();
  t.is(device.mirror.task(good.id)?.title, 'Good');
  const before = refused;
  // The feed tells a part of one that this device does not know.
  await archive(false);
  await until('it is asked for', () => refused > before);
  good.begin();
  await until('the others go on', () => device.mirror.task(good.id)?.status === 'running');
  t.false(device.states.some(({ kind }) => kind === 'away'));
});
