import test from 'ava';
import { createLogger } from '../../../coordinator/base/logger.ts';
import { askForHost } from '../../../coordinator/worker-api/egress/ask-for-host.ts';
import { Api } from '../../support/api.ts';
import { eventsOf } from '../../support/events-of.ts';
import { notifyScene, type Device, type NotifyScene } from '../../support/notifications/scene.ts';
import { until } from '../../support/until.ts';
import type { LivelyErrand } from '../../support/web/lively-errand.ts';

/** Asks a question with choices, and gives the notification that the device gets. */
async function ask({ subscription }: Device, errand: LivelyErrand, options: string[] | undefined, ref = 'r') {
  const body = { ref, question: `Which rounding? (${ref})`, ...(options && { options }) };
  errand.report({ type: 'question.asked', body });
  const told = () =>
    subscription.messages.find(({ data, body: line }) => data.task_id === errand.id && line.endsWith(`(${ref})`));
  return until('it is told', told);
}

const said = async ({ api }: NotifyScene, { id }: LivelyErrand) =>
  (await eventsOf(api, id)).filter(({ type }) => type === 'message.received').map(({ body }) => body.text);

test('a notification answers its question without a log-in, once', async (t) => {
  const scene = await notifyScene(t);
  const device = await scene.device(scene.api);
  const errand = await scene.errand('Round up');
  const { actions, data } = await ask(device, errand, ['Up', 'Down']);
  t.deepEqual(
    actions.map(({ title }) => title),
    ['Up', 'Down'],
  );
  const anyone = new Api(scene.server.url);
  const token = data.answers[actions[1]?.action ?? ''] ?? '';
  t.deepEqual(await anyone.call('answerNotice', { body: { token } }), { task_id: errand.id, text: 'Down' });
  for (const again of Object.values(data.answers))
    t.is((await anyone.refused('answerNotice', { body: { token: again } })).code, 'conflict');
  t.deepEqual(await said(scene, errand), ['Down']);
  const { items } = await scene.api.call('listAudit', { query: {} });
  const channel = (await scene.api.call('listChannels', { query: {} })).items[0]?.id;
  const recorded = items.filter(({ action }) => action === 'need.answered');
  t.is(recorded.length, 1);
  t.like(recorded[0], { user_id: scene.session.user.id, address: '127.0.0.1', subject: errand.id });
  t.deepEqual(recorded[0]?.detail, { kind: 'question', choose: ['2'], channel });
});

test('a question with more choices than buttons, or longer ones, has none', async (t) => {
  const scene = await notifyScene(t);
  const device = await scene.device(scene.api);
  for (const [i, options] of [['a', 'b', 'c'], ['x'.repeat(41), 'y'], undefined].entries()) {
    const { actions, data } = await ask(device, await scene.errand(`Errand ${i}`), options);
    t.deepEqual([actions, data.answers], [[], {}]);
  }
});

test('what the server itself asks is told in the language of the device, with its buttons', async (t) => {
  const { server, api, device, errand } = await notifyScene(t);
  const { subscription } = await device(api, { language: 'de' });
  const told = async ({ id }: LivelyErrand) => {
    const { body, actions } = await until('it is told', () =>
      subscription.messages.find(({ data }) => data.task_id === id),
    );
    return [body, ...actions.map(({ title }) => title)];
  };
  const asksAgent = await errand();
  asksAgent.ask('Push it?', ['Push it', 'No']);
  t.deepEqual(await told(asksAgent), ['Braucht dich: Push it?', 'Push it', 'No']);
  const asksPush = await errand();
  asksPush.askToPush('b'.repeat(40));
  t.deepEqual(await told(asksPush), ['Braucht dich: Die Arbeit ist fertig. Pushen?', 'Pushen', 'Überarbeiten lassen']);

  const asksBudget = await errand();
  asksBudget.askForBudget();
  t.deepEqual(await told(asksBudget), [
    'Braucht dich: Das Budget von 5 $ ist verbraucht. Soll es weitergehen?',
    '+2 $, weitermachen',
    'Hier beenden',
  ]);

  const askHost = askForHost(server.log, createLogger('silent'));
  const asksHost = await errand();
  askHost({ task_id: asksHost.id }, 'registry.example.org');
  t.deepEqual(await told(asksHost), [
    'Braucht dich: Ein Befehl wollte registry.example.org erreichen. Erlauben?',
    'Für diesen Auftrag',
    'Nein',
  ]);
  const asksLeftOut = await errand();
  askHost({ task_id: asksLeftOut.id }, 'storage.googleapis.com');
  const [why = '', ...buttons] = await told(asksLeftOut);
  t.regex(why, /wanted to reach storage\.googleapis\.com\. Downloads of/, 'nothing of the warning is lost');
  t.deepEqual(buttons, ['Für diesen Auftrag', 'Nein']);
});

test('an answer is void once the question is another, the errand ended, or the device logged out', async (t) => {
  const scene = await notifyScene(t);
  const { api, session, server, errand } = scene;
  const device = await scene.device(api);
  const anyone = new Api(server.url);
  const [moved, ended, out] = [await errand('Moved'), await errand('Ended'), await errand('Out')];
  const first = await ask(device, moved, ['Up', 'Down'], 'one');
  moved.report({ type: 'question.closed', body: { ref: 'one', answered: false } });
  await ask(device, moved, ['Yes', 'No'], 'two');
  const second = await ask(device, ended, ['Up', 'Down']);
  ended.fail('verify_failed');
  const third = await ask(device, out, ['Up', 'Down']);
  const refused = async (notification: typeof first) =>
    (await anyone.refused('answerNotice', { body: { token: notification.data.answers['answer-0'] } })).code;
  t.is(await refused(first), 'conflict');
  t.is(await refused(second), 'conflict');
  await api.call('logout', { body: { refresh_token: session.refresh_token } });
  t.is(await refused(third), 'not_found');
  for (const token of ['', 'x', third.data.answers['answer-0']?.slice(0, -2)])
    t.true(['invalid', 'not_found'].includes((await anyone.refused('answerNotice', { body: { token } })).code));
});
