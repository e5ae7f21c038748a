import test from 'ava';
import { loggedIn } from '../../support/logged-in.ts';
import { separateOperands } from '../../../coordinator/cli/dashes.ts';

const REPO = ['--repo', 'errand://sample'];
/** Texts that an option parser might take for options. A dash alone stands for the standard input. */
const TEXTS = ['-fix it', '--', '--x', '--help', '-h', '--budget=9'];

test('after -- a text is taken as it is, in every command that takes one', async (t) => {
  const { api, cli } = await loggedIn(t);
  for (const text of TEXTS) {
    const sent = await cli.run(['task', ...REPO, '--json', '--', text]);
    t.is(sent.code, 0, `${text}: ${sent.stderr}`);
    const { id } = JSON.parse(sent.stdout);
    t.is((await api.call('getTask', { params: { id } })).prompt, text);
    const said = await cli.run(['say', id, '--budget', '7', '--', text]);
    t.is(said.stdout, 'Sent.\n', `${text}: ${said.stderr}`);
    const { items } = await api.call('listEvents', { params: { id } });
    t.is(items.findLast(({ type }) => type === 'message.received')?.body.text, text);
    t.is((await cli.run(['cancel', '--', id])).code, 0);
  }
  const named = await cli.run(['project', 'add', ...REPO, '--no-check', '--', '--p']);
  t.is(named.code, 0, named.stderr);
  t.is((await cli.run(['project', 'set', '--verify', 'npm test', '--', '--p'])).code, 0);
  t.is((await cli.run(['project', 'remove', '--yes', '--', '--p'])).code, 0);
});

test('without -- words with a space and negative numbers are no options', async (t) => {
  const { api, cli } = await loggedIn(t);
  for (const text of ['- fix a=b', '--help me', '-3', '-h\nx']) {
    const sent = await cli.run(['task', text, ...REPO, '--priority', '-3', '--json']);
    t.is(sent.code, 0, `${text}: ${sent.stderr}`);
    const { id } = JSON.parse(sent.stdout);
    t.like(await api.call('getTask', { params: { id } }), { prompt: text, priority: -3 });
    t.is((await cli.run(['say', id, text])).stdout, 'Sent.\n');
  }
  const added = await cli.run(['project', 'add', 'p', ...REPO, '--setup', '-v && npm ci', '--no-check', '--json']);
  t.is(added.code, 0, added.stderr);
  t.is(JSON.parse(added.stdout).setup_command, '-v && npm ci');
});

test('a word that may be an option is refused, and the message says how to write it', async (t) => {
  const { cli } = await loggedIn(t);
  const after = / A text that begins with a dash comes last, after --\nSee npx errand/;
  const joined = / A value that begins with a dash is joined to its option by =\nSee npx errand/;
  const cases: [string[], RegExp][] = [
    [['task', '-fix', ...REPO], after],
    [['task', '--fix=a b', ...REPO], after],
    [['say', 'abcdef', '--x'], after],
    [['task', 'Mend it', '--repo', '--json'], joined],
    [['task', 'Mend it', '--repo'], joined],
  ];
  for (const [argv, words] of cases) {
    const { code, stderr } = await cli.run(argv);
    t.is(code, 2, argv.join(' '));
    t.regex(stderr, words);
  }
});

test('operands keep their order, and options their values', (t) => {
  const options = { name: { type: 'string', help: '' }, yes: { type: 'boolean', help: '' } } as const;
  const cases: [argv: string[], separated: string[]][] = [
    [[], ['--']],
    [
      ['a', '-b c', 'd'],
      ['--', 'a', '-b c', 'd'],
    ],
    [
      ['a', '--yes', 'b', '--', '--yes', '--', 'c'],
      ['--yes', '--', 'a', 'b', '--yes', '--', 'c'],
    ],
    [
      ['--name', 'a', 'b'],
      ['--name', 'a', '--', 'b'],
    ],
    [
      ['--name', '-1', '--name=-a b'],
      ['--name=-1', '--name=-a b', '--'],
    ],
    [
      ['--name', '--', 'a'],
      ['--name', '--', 'a'],
    ],
    [
      ['--yes', 'a', '--name'],
      ['--yes', '--name', '--', 'a'],
    ],
  ];
  for (const [argv, separated] of cases) t.deepEqual(separateOperands(argv, options), separated);
});
