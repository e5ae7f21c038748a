import test from 'ava';
import type { NeedAnswerCreate } from '../../../protocol/needs.ts';
import type { Action } from '../../../coordinator/client/sync/outbox-entry.ts';
import { eventsOf } from '../../support/events-of.ts';
import { sendErrand } from '../../support/send-errand.ts';
import { until } from '../../support/until.ts';
import { startOffline } from '../../support/web/offline-device.ts';

test('a held answer is not sent before its time, does not hold a stop behind it, and can be taken back until then', async (t) => {
  const { api, errand, network, device } = await startOffline(t);
  errand.ask('Which?');
  const [need] = (await api.call('getTask', { params: errand })).needs ?? [];
  const answer: Action = {
    do: 'answer',
    task_id: errand.id,
    need_id: need?.id ?? '',
    body: { choose: [], text: 'No.' },
  };
  const undone = await device.outbox.add(answer, 60_000);
  const held = await device.outbox.add(answer, 60_000);
  await device.outbox.add({ do: 'stop', task_id: 'unknown' });
  network.offline = false;
  device.live.wake();
  await until('what is behind is sent', () => device.outbox.entries().some(({ refused }) => refused !== undefined));
  t.truthy(await device.outbox.takeBack(undone));
  t.is((await api.call('getTask', { params: errand })).needs?.length, 1);
  t.true(device.outbox.entries().some(({ key, tried }) => key === held && !tried));
  await device.outbox.takeBack(held);
  const sent = await device.outbox.add(answer, 1);
  await until('it is sent', () => device.outbox.entries().some(({ key, done }) => key === sent && done === true));
  t.falsy(await device.outbox.takeBack(sent));
  t.deepEqual((await api.call('getTask', { params: errand })).needs, []);
  // It shows as answered until its event has been seen.
  await device.outbox.seenOpen(new Set([need?.id ?? '']));
  t.true(device.outbox.entries().some(({ key }) => key === sent));
  await device.outbox.seenOpen(new Set());
  t.false(device.outbox.entries().some(({ key }) => key === sent));
});

test('what is said behind an answer that can be undone waits for it, so that it is not taken for the answer', async (t) => {
  const { api, errand, network, device } = await startOffline(t);
  const other = await sendErrand(api);
  errand.ask('Which?', ['One', 'Two']);
  const [need] = (await api.call('getTask', { params: errand })).needs ?? [];
  const decide = (hold_ms: number) => {
    const body = { choose: ['2'] };
    return device.outbox.add({ do: 'answer', task_id: errand.id, need_id: need?.id ?? '', body }, hold_ms);
  };
  const say = (task_id: string, text: string) => device.outbox.add({ do: 'say', task_id, body: { text } });
  const said = async ({ id }: { id: string }) =>
    (await eventsOf(api, id)).filter(({ type }) => type === 'message.received').map(({ body }) => body.text);
  const undone = await decide(60_000);
  await say(errand.id, 'And test it');
  await say(other.id, 'To another one');
  network.offline = false;
  device.live.wake();
  await until('the other one is told', async () => (await said(other)).length > 0);
  t.deepEqual(await said(errand), []);
  await decide(1);
  await until('the answer has come', async () => (await said(errand)).length > 0);
  t.deepEqual(await said(errand), ['Two']);
  t.truthy(await device.outbox.takeBack(undone));
  await until('the words go on by themselves', async () => (await said(errand)).length > 1);
  t.deepEqual(await said(errand), ['Two', 'And test it']);
});

test('what can be undone is final once it is sent early: what is just being stored too, and offline as soon as it can', async (t) => {
  const { api, errand, network, device } = await startOffline(t);
  errand.ask('Which?', ['One', 'Two']);
  const [need] = (await api.call('getTask', { params: errand })).needs ?? [];
  const decide = () =>
    device.outbox.add({ do: 'answer', task_id: errand.id, need_id: need?.id ?? '', body: { choose: ['2'] } }, 60_000);
  const said = async () =>
    (await eventsOf(api, errand.id)).flatMap(({ type, body }) => (type === 'message.received' ? [body.text] : []));
  await decide();
  await device.outbox.sendHeld();
  t.deepEqual(
    device.outbox.entries().map(({ held_until }) => held_until),
    [undefined],
  );
  network.offline = false;
  device.live.wake();
  await until('the answer has come', async () => (await said()).length > 0);
  errand.ask('And now?', ['One', 'Two']);
  await device.isLive();
  const adding = decide();
  await device.outbox.sendHeld();
  await adding;
  await device.outbox.flush();
  t.true(device.outbox.entries().every(({ tried, held_until }) => tried && held_until === undefined));
});

test('a refused answer to a closed decision becomes a message that was refused, with its words and files', async (t) => {
  const { api, errand, network, device } = await startOffline(t);
  errand.ask('Which?', ['One', 'Two']);
  const [need] = (await api.call('getTask', { params: errand })).needs ?? [];
  const answer = (body: NeedAnswerCreate): Action => ({
    do: 'answer',
    task_id: errand.id,
    need_id: need?.id ?? '',
    body,
  });
  await api.call('answerNeed', { params: { id: errand.id, need_id: need?.id ?? '' }, body: { choose: ['1'] } });
  const chosen = await device.outbox.add(answer({ choose: ['2'] }));
  await device.outbox.add(answer({ choose: [], text: 'Neither.' }));
  network.offline = false;
  device.live.wake();
  await until('both are refused', () => device.outbox.entries().every(({ refused }) => refused !== undefined));
  const before = device.outbox.entries();
  await device.outbox.seenOpen(new Set([need?.id ?? '']));
  t.deepEqual(device.outbox.entries(), before, 'while it is open its card has the words');
  await device.outbox.seenOpen(new Set());
  const [first, second] = device.outbox.entries();
  t.is(first?.key, chosen);
  t.is(first?.action.do, 'answer', 'without words there is nothing to keep');
  t.like(second, { action: { do: 'say', task_id: errand.id, body: { text: 'Neither.' } } });
  t.is(second?.refused?.code, 'conflict');
});

test('an answer that came too late is shown with how it was answered', async (t) => {
  const { api, errand, network, device } = await startOffline(t);
  errand.ask('Which?');
  const [need] = (await api.call('getTask', { params: errand })).needs ?? [];
  const need_id = need?.id ?? '';
  await device.outbox.add({ do: 'answer', task_id: errand.id, need_id, body: { choose: [], text: 'Mine.' } });
  await api.call('answerNeed', { params: { id: errand.id, need_id }, body: { choose: [], text: 'Theirs.' } });
  network.offline = false;
  device.live.wake();
  const refused = await until('it is refused', () => device.outbox.entries()[0]?.refused);
  t.is(refused.code, 'conflict');
  t.regex(refused.detail, /answered already: “Theirs\.”/);
});
