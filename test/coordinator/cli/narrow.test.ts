import test, { type ExecutionContext } from 'ava';
import { CommandLine } from '../../support/command-line.ts';
import { endTask, runTask } from '../../support/fixtures.ts';
import { link, signInScene } from '../../support/forge/sign-in-scene.ts';
import { loggedIn } from '../../support/logged-in.ts';
import { PASSWORD } from '../../support/start-api.ts';

const COLUMNS = 60;
const LONG = 'A name that is as long as a name can be, which is far too long for a line of a phone';

/**
 * Runs a command at a narrow terminal and without one, and compares: the same words in rows that fit. `whole` are parts
 * that no row breaks. A command that is meant to be copied may be longer than a row.
 */
async function fits(t: ExecutionContext, cli: CommandLine, argv: string[], whole: string[] = []): Promise<void> {
  const [narrow, wide] = [await cli.atTerminal(COLUMNS, argv), await cli.run(argv)];
  const command = argv.join(' ');
  t.is(narrow.code, wide.code, command);
  const rows = narrow.stdout.split('\n');
  const is_long = (row: string) => row.length > COLUMNS && row.trim().includes(' ') && !row.includes('npx errand');
  t.deepEqual(rows.filter(is_long), [], command);
  t.deepEqual(narrow.stdout.split(/\s+/), (wide.stdout + wide.stderr).split(/\s+/), command);
  for (const part of whole)
    t.true(
      rows.some((row) => row.includes(part)),
      `${command}: ${part}`,
    );
}

test('repositories, linked accounts and forges fit into 60 columns, with their errors', async (t) => {
  t.timeout(120_000);
  const scene = await signInScene(t);
  const { github, server } = scene;
  const { api, session } = await server.person();
  const ann = github.world.addPerson('ann-who-has-a-long-login');
  for (const name of ['shop', 'a-repository-with-a-long-name'])
    await github.world.addRepository({ owner: ann, name, private: true });
  github.apps.install(scene.app, ann);
  const cli = await CommandLine.create(t);
  await cli.run(['login', '--server', server.url, '--email', session.user.email], { stdin: `${PASSWORD}\n` });

  await fits(t, cli, ['repositories']);
  await link(scene, api, ann);
  await fits(t, cli, ['repositories'], ['private', 'pushed 2']);
  await fits(t, cli, ['links']);
  await fits(t, cli, ['link', 'nowhere']);
  await fits(t, cli, ['unlink', 'nobody-with-a-name-as-long-as-that-of-somebody']);
  await fits(t, cli, ['forges'], ['registered by the settings']);
  await fits(t, cli, ['forge', 'forget', 'nowhere.example', '--yes']);
  await fits(t, cli, ['forge', 'forget', github.host, '--yes']);
  github.apps.revokeAll(ann);
  const { access } = server.forge_accounts;
  const credential = await access.gitCredential(session.user.id, `${github.origin}/${ann.login}/shop`, undefined);
  await credential?.renew?.(credential.password);
  await fits(t, cli, ['links'], ['does not accept this link']);
  await fits(t, cli, ['repositories']);
});

test('errands, and what an account has, fit into 60 columns', async (t) => {
  t.timeout(120_000);
  const { api, cli } = await loggedIn(t);
  const prompt = 'Make the tests pass on each machine of the company';
  await api.call('createTask', { body: { prompt, repo_url: 'errand://sample' } });
  const repo_url = 'https://git.example.org/some-organisation/bills.git';
  const name = 'the bills of the whole company';
  await api.call('createProject', { body: { name, repo_url, check: false } });
  await api.call('createToken', { body: { name, scopes: ['read', 'tasks'], expires_in_days: 9 } });
  await fits(t, cli, ['tasks'], [prompt]);
  await fits(t, cli, ['projects'], [name, repo_url]);
  await fits(t, cli, ['tokens'], [name, 'read, tasks', 'until 2', 'never used']);
  await fits(t, cli, ['sessions'], [', from 127.0.0.1', 'this one']);
  await fits(t, cli, ['servers'], ['@example.org']);
  await fits(t, cli, ['people'], ['$0 this month, 1 open']);
  await fits(t, cli, ['server', 'settings'], ['GITHUB_ORIGIN  https://github.com']);
  await fits(t, cli, ['audit'], ['@example.org from 127.0.0.1']);
});

test('schedules fit into 60 columns, with their errors', async (t) => {
  t.timeout(120_000);
  const { cli } = await loggedIn(t);
  const add = ['schedule', 'add', LONG, 'Update it', '--repo', 'errand://sample', '--zone', 'America/New_York'];
  await fits(t, cli, ['schedule', 'list']);
  await fits(t, cli, [...add, '--cron', '* * * * *']);
  await fits(t, cli, [...add, '--project', 'none', '--cron', '0 3 * * *']);
  await cli.run([...add, '--cron', '0 3 * * *']);
  await cli.run(['schedule', 'run', LONG]);
  await fits(t, cli, ['schedule', 'list'], ['America/New_York']);
  await fits(t, cli, ['schedule', 'runs', LONG], ['by hand']);
  await fits(t, cli, ['schedule', 'run', LONG]);
  await fits(t, cli, ['schedule', 'run', `${LONG} ${LONG}`]);
});

test('what pr, merge, ready and task refuse fits into 60 columns', async (t) => {
  t.timeout(120_000);
  const { server, api, cli } = await loggedIn(t);
  const { id } = await api.call('createTask', { body: { prompt: 'Mend it', repo_url: 'errand://sample' } });
  const send = ['task', 'Mend it', '--repo', 'errand://sample'];
  await fits(t, cli, ['pr', id]);
  await fits(t, cli, ['pr', id, '--draft', '--ready']);
  await fits(t, cli, ['pr', 'none-of-these']);
  await fits(t, cli, ['merge', id]);
  await fits(t, cli, ['merge', id, '--method', 'octopus']);
  await fits(t, cli, ['ready', id]);
  runTask(server.log, id);
  endTask(server.log, id);
  await fits(t, cli, ['pr', id]);
  await fits(t, cli, [...send, '--pull', 'twelve']);
  await fits(t, cli, [...send, '--pull', '12', '--push-to', 'mine']);
  await fits(t, cli, [...send, '--push-to', 'no branch..has such a name']);
});

test('a terminal that has no width, or hardly any, gets the help like any other', async (t) => {
  const cli = await CommandLine.create(t);
  for (const columns of [0, 1])
    for (const argv of [['--help'], ['task', '--help'], ['tasks', '--help']]) {
      const { code, stdout } = await cli.atTerminal(columns, argv);
      t.is(code, (await cli.run(argv)).code, `${columns} ${argv.join(' ')}`);
      t.true(stdout.length > 200, stdout);
    }
});
