import test, { type ExecutionContext } from 'ava';
import { Api } from '../../support/api.ts';
import { CoordinatorProcess } from '../../support/coordinator-process.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { Receiver, type Subscription } from '../../support/notifications/push-service.ts';
import { until } from '../../support/until.ts';

const ENV = { ERRAND_RUNNER: 'process', ERRAND_PRIVATE_HOSTS: '127.0.0.1' };
const PASSWORD = 'correct horse battery';

/** A coordinator in a process of its own, with a person whose device is registered. */
async function scene(t: ExecutionContext) {
  const receiver = await Receiver.start(t);
  const data_dir = await temporaryFolder(t);
  const start = () => CoordinatorProcess.start(t, data_dir, ENV);
  const first = start();
  const url = await first.url();
  const setup_code = /[#?&]code=([\w-]+)/.exec(first.stdout)?.[1] ?? /setup\S*?([\w-]{8,})\s/.exec(first.stdout)?.[1];
  const api = new Api(url);
  const email = 'ada@example.org';
  api.token = (await api.call('signup', { body: { email, password: PASSWORD, setup_code } })).access_token;
  const subscription = receiver.subscribe();
  const body = { kind: 'push', name: 'Phone', subscription: subscription.json, app_url: url } as const;
  await api.call('createChannel', { body });
  return { receiver, start, first, api, subscription };
}

const distinct = ({ messages }: Subscription) => [...new Map(messages.map((each) => [each.data.id, each])).values()];

test('a server that is killed before, while and after it sends tells of each occasion once', async (t) => {
  t.timeout(180_000);
  const { receiver, start, first, api, subscription } = await scene(t);
  let coordinator = first;
  for (const [round, when] of (['while', 'after', 'before'] as const).entries()) {
    // The demo model mends the sample repository; killed, the next server goes on.
    const prompt = `Make the tests pass (${when})`;
    const asked = receiver.received.length;
    receiver.reply = () => (when === 'while' ? new Promise(() => undefined) : { status: 201 });
    const { id } = await api.call('createTask', { body: { prompt, repo_url: 'errand://sample' } });
    if (when === 'before') {
      await until(
        'it has ended',
        async () => (await api.call('getTask', { params: { id } })).ended_at !== null,
        60_000,
      );
    } else await until('it is sent', () => receiver.received.length > asked, 60_000);
    await coordinator.kill();
    receiver.reply = () => ({ status: 201 });
    coordinator = start();
    const again = new Api(await coordinator.url());
    const login = { email: 'ada@example.org', password: PASSWORD };
    again.token = (await again.call('login', { body: login })).access_token;
    Object.assign(api, { url: again.url, token: again.token });
    await until('it was told', () => distinct(subscription).length === round + 1, 60_000);
    await until('it is stored', async () =>
      (await again.call('listChannels', {})).items.every(({ last_answer }) => last_answer?.ok),
    );
  }
  const told = distinct(subscription);
  t.deepEqual(
    told.map(({ title }) => title),
    ['while', 'after', 'before'].map((when) => `Make the tests pass (${when})`),
  );
  t.deepEqual(new Set(told.map(({ data }) => data.occasion)), new Set(['done']));
});
