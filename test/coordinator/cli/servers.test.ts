import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import test from 'ava';
import { CommandLine } from '../../support/command-line.ts';
import { loggedIn } from '../../support/logged-in.ts';
import { PASSWORD, startApi } from '../../support/start-api.ts';

const EMAIL = 'ada@example.org';
const BODY = { prompt: 'Mend it', repo_url: 'errand://sample' };

test('a command goes to the current server, or to the one named by --server or ERRAND_SERVER', async (t) => {
  const [home, work] = [await startApi(t), await startApi(t)];
  const [at_home, at_work] = [await home.person(EMAIL), await work.person(EMAIL)];
  await at_home.api.call('createTask', { body: { ...BODY, prompt: 'At home' } });
  await at_work.api.call('createTask', { body: { ...BODY, prompt: 'At work' } });
  const cli = await CommandLine.create(t);
  const titles = async (argv: string[], env = {}) =>
    (await cli.run(['tasks', ...argv], { env })).stdout.match(/At \w+/g);
  for (const [name, { url }] of [
    ['home', home],
    ['work', work],
  ] as const)
    await cli.run(['login', '--server', url, '--name', name, '--email', EMAIL], { stdin: PASSWORD });

  t.deepEqual(await titles([]), ['At work']);
  t.deepEqual(await titles(['--server', 'home']), ['At home']);
  t.deepEqual(await titles(['--server', `${home.url}/`]), ['At home']);
  t.deepEqual(await titles([], { ERRAND_SERVER: 'home' }), ['At home']);
  t.deepEqual(await titles(['--server', 'work'], { ERRAND_SERVER: 'home' }), ['At work']);
  t.is((await cli.run(['use', 'home'])).stdout, 'Commands go to home from now on.\n');
  t.deepEqual(await titles([]), ['At home']);
  t.is((await cli.run(['servers'])).stdout, `* home  ${home.url}  ${EMAIL}\n  work  ${work.url}  ${EMAIL}\n`);

  const unknown = await cli.run(['tasks', '--server', 'moon']);
  t.deepEqual([unknown.code, unknown.stderr], [2, "There is no server 'moon'.\nList them with: npx errand servers\n"]);
  t.is((await cli.run(['use', 'moon'])).code, 2);
  const taken = await cli.run(['login', '--server', work.url, '--name', 'home', '--email', EMAIL], { stdin: PASSWORD });
  t.regex(taken.stderr, /^The name 'home' is taken by http/);
});

test('no log-in is made on a server where this machine cannot keep it', async (t) => {
  const home = await startApi(t);
  const { api } = await home.person(EMAIL);
  const before = (await api.call('listSessions', {})).items.length;
  const cli = await CommandLine.create(t);
  await writeFile(join(cli.config_dir, 'file'), '');
  for (const folder of [join(cli.config_dir, 'file'), '/sys/none']) {
    const options = { stdin: PASSWORD, env: { XDG_CONFIG_HOME: folder } };
    const { code, stderr } = await cli.run(['login', '--server', home.url, '--email', EMAIL], options);
    t.is(code, 2);
    t.true(stderr.startsWith(`Log-ins cannot be kept in ${folder}/errand: E`), stderr);
    t.regex(stderr, /Make that folder writable, or set XDG_CONFIG_HOME to another\.\n$/);
  }
  t.is((await api.call('listSessions', {})).items.length, before);
});

test('logout keeps the server, and logout --forget does not', async (t) => {
  const { network, cli } = await loggedIn(t);
  const { host } = new URL(network.url);
  await cli.run(['logout']);
  t.like((await cli.servers()).servers, [{ name: host, url: network.url, login: null }]);
  t.regex((await cli.run(['servers'])).stdout, /, logged out\n$/);
  t.is((await cli.run(['logout', '--forget'])).code, 0);
  t.deepEqual(await cli.servers(), { current: null, servers: [] });
  t.regex((await cli.run(['servers'])).stdout, /^No servers\. Log in with: npx errand login --server URL\n$/);
});

test('the log-in file of an older version is read, and moves to the new file', async (t) => {
  const { network, session, cli } = await loggedIn(t);
  const { host } = new URL(network.url);
  const older = await CommandLine.create(t);
  const old_path = join(dirname(older.servers_path), 'session.json');
  await mkdir(dirname(old_path));
  const kept = { server: network.url, email: session.user.email, ...(await cli.login()) };
  await writeFile(old_path, JSON.stringify(kept));
  t.is((await older.run(['servers'])).stdout, `* ${host}  ${network.url}  ${session.user.email}\n`);
  // Two files with one log-in would each renew it, and so end it.
  await writeFile(old_path, JSON.stringify({ ...kept, expires_at_ms: 0 }));
  t.is((await older.run(['tasks'])).code, 0);
  t.not((await older.login()).refresh_token, kept.refresh_token);
  t.false(existsSync(old_path));
});
