import test from 'ava';
import { loggedIn } from '../../support/logged-in.ts';
import { until } from '../../support/until.ts';

const TEXT = 'Round half a cent up.\n\nAnd „größer“ stays.';

test('- reads a text from the standard input, and is never sent as the text', async (t) => {
  const { api, cli } = await loggedIn(t);
  const sent = await cli.run(['task', '-', '--repo', 'errand://sample', '--json'], { stdin: `${TEXT}\n` });
  t.is(sent.code, 0, sent.stderr);
  const { id, prompt } = JSON.parse(sent.stdout);
  t.is(prompt, TEXT);

  t.is((await cli.run(['say', id, '-'], { stdin: `${TEXT}\r\n` })).code, 0);
  const { items } = await api.call('listMessages', { params: { id } });
  t.deepEqual(
    items.map(({ text }) => text),
    [TEXT],
  );
  t.is((await cli.run(['reword', id, items[0]?.id ?? '', '-'], { stdin: 'Shorter' })).code, 0);
  await until('it is changed', async () => {
    const { items: now } = await api.call('listMessages', { params: { id } });
    return now[0]?.text === 'Shorter';
  });

  const nightly = ['schedule', 'add', 'nightly', '-', '--cron', '0 3 * * *', '--repo', 'errand://sample', '--json'];
  t.is(JSON.parse((await cli.run(nightly, { stdin: TEXT })).stdout).prompt, TEXT);
});

test('an empty standard input sends nothing', async (t) => {
  const { api, cli } = await loggedIn(t);
  const { code, stderr } = await cli.run(['task', '-', '--repo', 'errand://sample'], { stdin: '\n' });
  t.is(code, 2);
  t.is(stderr, 'The standard input is empty: it must have the text.\n');
  t.is((await api.call('listTasks', { query: {} })).items.length, 0);
});

test('a standard input that is longer than it may be is not read to its end', async (t) => {
  const { cli } = await loggedIn(t);
  const endless = 'y\n'.repeat(1_000_000);
  const { code, stderr } = await cli.run(['task', '-', '--repo', 'errand://sample'], { stdin: endless });
  t.is(code, 2);
  t.is(stderr, 'The standard input is too long: a text has at most 32000 characters.\n');
  const add = ['project', 'add', 'bills', '--repo', 'errand://sample', '--git-token-stdin'];
  t.regex((await cli.run(add, { stdin: endless })).stderr, /must have one line with the secret/);
});
