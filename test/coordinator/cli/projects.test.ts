import test from 'ava';
import { loggedIn } from '../../support/logged-in.ts';

const REPO = ['--repo', 'https://git.example.org/ada/bills'];

test('project add reads the token from the standard input, and task --project takes its name', async (t) => {
  const { api, cli } = await loggedIn(t);
  const argv = [
    'project',
    'add',
    'bills',
    '--repo',
    'https://git.example.org/ada/bills',
    '--verify',
    'npm test',
    '--no-check',
  ];
  const added = await cli.run([...argv, '--git-token-stdin'], { stdin: 'secret-token\n' });
  t.is(added.code, 0, added.stderr);
  const [project] = (await api.call('listProjects', {})).items;
  t.like(project, { name: 'bills', verify_command: 'npm test', has_git_token: true });
  t.true((await cli.run(['projects'])).stdout.includes('bills  https://git.example.org/ada/bills'));
  const sent = await cli.run(['task', 'Mend it', '--project', 'bills', '--json']);
  t.is(JSON.parse(sent.stdout).project_id, project?.id);
});

test('project set changes each setting, and an empty value clears it', async (t) => {
  const { api, cli } = await loggedIn(t);
  const add = ['project', 'add', 'bills', ...REPO, '--no-check', '--verify', 'npm test', '--budget', '3'];
  t.is((await cli.run(add)).code, 0);
  const project = async () => (await api.call('listProjects', {})).items[0];
  const set = (...argv: string[]) =>
    cli.run(['project', 'set', ...argv, '--no-check'], { env: { TOKEN: 'of the shell' } });

  const settings = ['--name', 'invoices', '--branch', 'next', '--setup', 'npm ci', '--verify', '', '--budget', ''];
  const models = ['--extra-model', 'claude-haiku-5-5', '--extra-model', 'claude-opus-5-5', '--max-tokens', '8000'];
  const network = ['--egress', 'list', '--egress-host', 'api.example.org', '--egress-host', '*.example.com'];
  const secrets = ['--env', 'A=1=2', '--secret', 'TOKEN', '--git-username', 'ada'];
  const changed = await set('bills', ...settings, ...models, ...network, ...secrets);
  t.is(changed.stdout, 'The project invoices is changed.\n', changed.stderr);
  t.like(await project(), {
    name: 'invoices',
    base_branch: 'next',
    setup_command: 'npm ci',
    verify_command: null,
    budget_usd: null,
    extra_models: ['claude-haiku-5-5', 'claude-opus-5-5'],
    max_tokens: 8000,
    egress: 'list',
    egress_hosts: ['api.example.org', '*.example.com'],
    env: { A: '1=2' },
    secret_names: ['TOKEN'],
  });
  t.is(
    (
      await set(
        'invoices',
        '--branch',
        '',
        '--env',
        '',
        '--secret',
        '',
        '--egress',
        'none',
        '--egress-host',
        '',
        '--extra-model',
        '',
        '--max-tokens',
        '',
      )
    ).code,
    0,
  );
  t.like(await project(), {
    base_branch: null,
    env: {},
    secret_names: [],
    egress: 'none',
    egress_hosts: [],
    extra_models: [],
    max_tokens: null,
    setup_command: 'npm ci',
  });
});

test('project set sets and removes single variables, and the others stay', async (t) => {
  const { api, cli } = await loggedIn(t);
  const start = ['--secret', 'A=1', '--secret', 'B=2', '--env', 'PORT=1', '--env', 'HOST=h'];
  t.is((await cli.run(['project', 'add', 'bills', ...REPO, '--no-check', ...start])).code, 0);
  const set = (...argv: string[]) => cli.run(['project', 'set', 'bills', ...argv]);
  const stored = async () => {
    const [project] = (await api.call('listProjects', {})).items;
    return [project?.secret_names, project?.env];
  };
  t.is((await set('--secret', 'C=3', '--env', 'PORT=2')).code, 0);
  t.deepEqual(await stored(), [['A', 'B', 'C'], { PORT: '2', HOST: 'h' }]);
  t.is((await set('--no-secret', 'A', '--no-secret', 'B', '--no-env', 'HOST')).code, 0);
  t.deepEqual(await stored(), [['C'], { PORT: '2' }]);
  const refused = await set('--no-secret', 'D');
  t.is(refused.code, 2);
  t.regex(refused.stderr, /^--no-secret D: the project has no such variable\./);
  t.is((await set('--secret', '', '--secret', 'E=5')).code, 0);
  t.deepEqual(await stored(), [['E'], { PORT: '2' }], 'an empty value clears all before');
});

test('project set takes standing instructions of several lines, and an empty text ends them', async (t) => {
  const { api, cli } = await loggedIn(t);
  const text = 'Answer in German.\nMind the tabs.';
  t.is((await cli.run(['project', 'add', 'bills', ...REPO, '--no-check', '--instructions', text])).code, 0);
  const stored = async () => (await api.call('listProjects', {})).items[0]?.instructions;
  t.is(await stored(), text);
  const long = await cli.run(['project', 'set', 'bills', '--instructions', 'x'.repeat(8_001)]);
  t.is(long.code, 2);
  t.regex(long.stderr, /^--instructions /);
  t.is((await cli.run(['project', 'set', 'bills', '--instructions', ''])).code, 0);
  t.is(await stored(), null);
});

test('project add and set take an image of the server by its name, list those that it has, and clear it with an empty one', async (t) => {
  const { api, cli } = await loggedIn(t, { ERRAND_WORKER_IMAGES: 'rust=errand-rust,go=errand-go' });
  t.is((await cli.run(['project', 'add', 'bills', ...REPO, '--no-check', '--image', 'rust'])).code, 0);
  const stored = async () => (await api.call('listProjects', {})).items[0]?.image;
  t.is(await stored(), 'rust');
  const wrong = await cli.run(['project', 'set', 'bills', '--image', 'errand-rust']);
  t.is(wrong.code, 2);
  t.regex(wrong.stderr, /^--image is none of this server's images: rust, go\n/);
  t.is((await cli.run(['project', 'set', 'bills', '--image', 'go'])).code, 0);
  t.is(await stored(), 'go');
  t.is((await cli.run(['project', 'set', 'bills', '--image', ''])).code, 0);
  t.is(await stored(), null);
});

test('project show has each setting with its option, and no secret', async (t) => {
  const { cli } = await loggedIn(t, { ERRAND_WORKER_IMAGES: 'rust=errand-rust' });
  const argv = [
    '--image',
    'rust',
    '--verify',
    'cargo test',
    '--secret',
    'TOKEN=hidden-value',
    '--env',
    'A=1',
    '--budget',
    '3',
  ];
  t.is((await cli.run(['project', 'add', 'bills', ...REPO, '--no-check', ...argv])).code, 0);
  const { stdout } = await cli.run(['project', 'show', 'bills']);
  const rows = stdout.split('\n').map((line) => line.replace(/ +/, ' '));
  for (const row of [
    '--repo https://git.example.org/ada/bills',
    '--verify cargo test',
    '--image rust',
    '--budget $3.00',
    '--mentions no',
    '--env A=1',
    '--secret TOKEN',
  ])
    t.true(rows.includes(row), `${row} is missing in ${stdout}`);
  t.regex(stdout, /^bills [0-9a-z]+\n/);
  t.notRegex(stdout, /hidden-value|--model|--setup/);
  const { stdout: json } = await cli.run(['project', 'show', 'bills', '--json']);
  t.like(JSON.parse(json), { name: 'bills', image: 'rust', secret_names: ['TOKEN'] });
});

test('project set names the option that is wrong', async (t) => {
  const { cli } = await loggedIn(t);
  const add = ['project', 'add', 'invoices', '--repo', 'https://git.example.org/ada/bills', '--no-check'];
  t.is((await cli.run(add)).code, 0);
  const cases: [string[], RegExp][] = [
    [['invoices'], /^Give what to change, such as --verify "npm test"\./],
    [['invoices', '--egress', 'all'], /^--egress must be one of none, registries, list, open: all/],
    [['invoices', '--env', 'NOT_THERE'], /^--env NOT_THERE: this shell's environment has no NOT_THERE\./],
    [['invoices', '--env', '1A=b'], /^--env /],
    [['invoices', '--max-tokens', '9'], /^--max-tokens is too small/],
    [['invoices', '--max-turns', '0'], /^--max-turns is too small/],
    [['invoices', '--name', ''], /^the name is empty/],
  ];
  for (const [argv, words] of cases) {
    const { code, stderr } = await cli.run(['project', 'set', ...argv]);
    t.is(code, 2, argv.join(' '));
    t.regex(stderr, words);
  }
});

test('a name that another project has is refused', async (t) => {
  const { api, cli } = await loggedIn(t);
  await api.call('createProject', { body: { name: 'bills', repo_url: 'errand://sample' } });
  const again = await cli.run(['project', 'add', 'Bills', '--repo', 'errand://sample']);
  t.is(again.code, 2);
  t.regex(again.stderr, /bills/i);
});

test('yes and no may be written as the help writes them, or small; another word is refused', async (t) => {
  const { api, cli } = await loggedIn(t);
  t.is((await cli.run(['project', 'add', 'bills', ...REPO, '--no-check', '--ask-before-push', 'YES'])).code, 0);
  const asks = async () => (await api.call('listProjects', {})).items[0]?.ask_before_push;
  t.true(await asks());
  t.is((await cli.run(['project', 'set', 'bills', '--ask-before-push', 'no'])).code, 0);
  t.false(await asks());
  const refused = await cli.run(['project', 'set', 'bills', '--ask-before-push', 'maybe']);
  t.not(refused.code, 0);
  t.regex(refused.stderr, /--ask-before-push must be yes or no: maybe/);
});
