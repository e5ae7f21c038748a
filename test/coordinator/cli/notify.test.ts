import test from 'ava';
import { loggedIn } from '../../support/logged-in.ts';
import { Receiver } from '../../support/notifications/push-service.ts';
import { sendErrand } from '../../support/send-errand.ts';

test('notify adds webhooks and ntfy topics, lists them, tests them, changes them and removes them', async (t) => {
  const { cli } = await loggedIn(t, { ERRAND_PRIVATE_HOSTS: '127.0.0.1' });
  const receiver = await Receiver.start(t);
  const hook = await cli.run(['notify', 'webhook', `${receiver.url}/hook`, '--name', 'ci', '--on', 'failed']);
  t.is(hook.code, 0, hook.stderr);
  t.regex(hook.stdout, /^whsec_[\w+/=]{44}\n$/);
  const topic = await cli.run(['notify', 'ntfy', 'errands', '--at', receiver.url, '--token-stdin'], {
    stdin: 'tk_1\n',
  });
  t.is(topic.code, 0, topic.stderr);
  const { host } = new URL(receiver.url);
  const listed = (await cli.run(['notify'])).stdout;
  t.regex(listed, new RegExp(`^\\w+ {2}${host}/errands {2}ntfy at ${host} {2}needs_you, done, failed, limit$`, 'm'));
  t.regex(listed, new RegExp(`^\\w+ {2}ci {2}webhook at ${host} {2}failed\\n {2}nothing was sent yet$`, 'm'));

  const tested = await cli.run(['notify', 'test', 'ci']);
  t.is(tested.code, 0, tested.stderr);
  t.regex(tested.stdout, /^accepted at .* 201\n$/);
  receiver.reply = () => ({ status: 403, body: 'no' });
  const refused = await cli.run(['notify', 'test', 'ci']);
  t.is(refused.code, 1);
  t.regex(refused.stdout, /^not accepted at .* 403 no\n$/);
  t.is(receiver.received.length, 2);

  const set = ['notify', 'set', 'ci', '--on', 'needs_you', '--on', 'done'];
  t.is((await cli.run(set)).stdout, 'It is told of: needs_you, done.\n');
  t.is((await cli.run(['notify', 'remove', 'ci'])).stdout, 'It is told nothing more.\n');
  t.notRegex((await cli.run(['notify'])).stdout, / ci /);
  t.regex((await cli.run(['notify', 'test', 'ci'])).stderr, /There is no channel 'ci'[^]*errand notify/);
});

test('notify names what is wrong with an address or an occasion', async (t) => {
  const { cli } = await loggedIn(t);
  const local = await cli.run(['notify', 'webhook', 'https://127.0.0.1/x']);
  t.regex(local.stderr, /^the address 127\.0\.0\.1 has a private address\./);
  t.regex((await cli.run(['notify', 'webhook', 'http://203.0.113.1/x'])).stderr, /^the address must begin with https/);
  t.regex((await cli.run(['notify', 'webhook', 'x'])).stderr, /^the address is not an address/);
  t.regex((await cli.run(['notify', 'ntfy', 'a b'])).stderr, /^the topic is not a topic/);
  const wrong = await cli.run(['notify', 'webhook', 'https://example.org', '--on', 'always']);
  t.regex(wrong.stderr, /^'always' is no occasion: --on is one of needs_you, done, failed, limit\./);
});

test('mute and unmute an errand', async (t) => {
  const { cli, api } = await loggedIn(t);
  const { id } = await sendErrand(api);
  const params = { id };
  t.is((await cli.run(['mute', id])).stdout, 'The errand is muted.\n');
  t.true((await api.call('getTaskNotifications', { params })).muted);
  t.is((await cli.run(['unmute', id])).stdout, 'The errand is not muted any more.\n');
  t.false((await api.call('getTaskNotifications', { params })).muted);
});
