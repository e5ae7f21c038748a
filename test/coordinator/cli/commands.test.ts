import test from 'ava';
import { CommandLine } from '../../support/command-line.ts';
import { loggedIn } from '../../support/logged-in.ts';
import { addErrands } from '../../support/many-errands.ts';
import { StagedErrand } from '../../support/staged-errand.ts';
import { PASSWORD } from '../../support/start-api.ts';
import { startFaultyProxy } from '../../support/web/faulty-proxy.ts';

const REPO = ['--repo', 'errand://sample'];

test('an errand of which the answer is lost names a key, with which the same is sent once', async (t) => {
  const { server, session, api } = await loggedIn(t);
  const proxy = await startFaultyProxy(t, server.url);
  const cli = await CommandLine.create(t);
  await cli.run(['login', '--server', proxy.url, '--email', session.user.email], { stdin: PASSWORD });
  const argv = ['task', 'Mend it', ...REPO, '--attach', import.meta.filename];
  let sent: string | string[] | undefined;
  proxy.answer = ({ method, headers, socket }) => {
    if (method !== 'POST') return false;
    sent = headers['idempotency-key'];
    socket.destroy();
    return true;
  };
  const lost = await cli.run(argv);
  t.is(lost.code, 2);
  const [, key = ''] = /It may have arrived all the same\..*--key (\S+)\n$/.exec(lost.stderr) ?? [];
  t.is(sent, key, lost.stderr);

  proxy.answer = () => false;
  for (let n = 0; n < 2; n++) t.is((await cli.run([...argv, '--key', key])).code, 0);
  t.is((await api.call('listTasks', {})).items.length, 1);
  const [{ id } = { id: '' }] = (await api.call('listTasks', {})).items;
  for (let n = 0; n < 2; n++) await cli.run(['say', id, 'Go on', '--key', 'build-17']);
  t.is((await api.call('listMessages', { params: { id } })).items.length, 1);
});

test('a retry after a lost answer does not create a second errand', async (t) => {
  const { network, api, cli } = await loggedIn(t);
  const sending = cli.start([
    'task',
    'Mend it',
    ...REPO,
    '--budget',
    '0.5',
    '--max-turns',
    '9',
    '--priority=-3',
    '--plan-first',
    '--json',
  ]);
  network.loseAnswer();
  const { code, stdout, stderr } = await sending.ended;
  t.is(code, 0, stderr);
  const { items } = await api.call('listTasks', {});
  t.is(items.length, 1);
  const sent = JSON.parse(stdout);
  t.like(items[0], { id: sent.id, prompt: 'Mend it', budget_usd: 0.5, max_turns: 9, priority: -3, plan_first: true });
});

test('task --follow watches the errand until it ends', async (t) => {
  const { server, api, cli } = await loggedIn(t);
  const following = cli.start(['task', 'Mend it', ...REPO, '--follow']);
  await following.shows('Mend it');
  const [task] = (await api.call('listTasks', {})).items;
  const errand = new StagedErrand(server.log, task?.id ?? '');
  errand.begin();
  errand.end('cancelled');
  const { code, stdout } = await following.ended;
  t.is(code, 3);
  t.true(stdout.includes('● cancelled'), stdout);
});

test('a mistake in the command line names the option or the missing argument', async (t) => {
  const { cli } = await loggedIn(t);
  const refused = await cli.run([
    'task',
    'Mend it',
    '--repo',
    'x'.repeat(2001),
    '--budget',
    '5000',
    '--priority',
    '99',
  ]);
  t.is(refused.code, 2);
  t.regex(refused.stderr, /^The server refused this:\n {2}--repo is too long.*\n {2}--budget .*\n {2}--priority /);
  const cases: [string[], RegExp][] = [
    [['task', 'Mend it'], /--repo errand:\/\/sample/],
    [['task', 'Mend it', '--repo', '.'], /is a path on this machine/],
    [['task', 'Mend it', '--repo', 'file:///srv/repo'], /is a path on this machine/],
    [['task', ...REPO], /^TEXT is missing\.\nSee npx errand task --help/],
    [['task', 'Mend', 'it', ...REPO], /'it' is one too many: put a text in quotes/],
    [['task', 'Mend it', ...REPO, '--budget', 'much'], /--budget is not a number: much/],
    [['tasks', '--colour'], /Unknown option '--colour'/],
    [['tasks', '--status', 'lost'], /^--status must be one of queued/],
    [['watch', 'zzzzzz'], /There is no task 'zzzzzz'.\nList them with: npx errand tasks/],
    [['watch', '0'.repeat(20)], /There is no such task/],
    [['destroy'], /'destroy' is not a command\.\n/],
    [['list'], /'list' is not a command\. Did you mean tasks\?/],
    [['logs', '0'.repeat(20)], /'logs' is not a command\. Did you mean watch\?/],
  ];
  for (const [argv, words] of cases) {
    const { code, stdout, stderr } = await cli.run(argv);
    t.is(code, 2, argv.join(' '));
    t.regex(stderr, words);
    t.is(stdout, '');
    t.false(stderr.includes(' at '), stderr);
  }
});

test('an id can be shortened to its start or end if that is unique', async (t) => {
  const { api, cli } = await loggedIn(t);
  const body = { prompt: 'Mend it', repo_url: 'errand://sample' };
  const { id: first } = await api.call('createTask', { body });
  const { id: second } = await api.call('createTask', { body });
  t.is((await cli.run(['cancel', first.slice(-6)])).stdout, 'Cancelled.\n');
  t.is((await api.call('getTask', { params: { id: first } })).status, 'cancelled');
  const both = await cli.run(['cancel', second.slice(0, 5)]);
  t.is(both.code, 2);
  t.true(both.stderr.includes(first) && both.stderr.includes(second), both.stderr);
  t.is((await cli.run(['retry', first])).stdout, 'The errand is queued again.\n');
  const conflict = await cli.run(['retry', second]);
  t.is(conflict.code, 2);
  t.true(conflict.stderr.startsWith('Only a failed or cancelled task can be retried'), conflict.stderr);
});

test('task, tasks and watch say why no errand can start', async (t) => {
  const { server, cli } = await loggedIn(t);
  const words = 'No errand can be started now: Docker does not answer.\n';
  const sent = await cli.run(['task', 'Mend it', '--repo', 'errand://sample']);
  t.false(sent.stdout.includes(words));
  const id = /queued: (\w+)/.exec(sent.stdout)?.[1] ?? '';
  server.runner.fault = 'Docker does not answer.';
  const watching = cli.start(['watch', id]);
  await watching.shows(words);
  t.true((await cli.run(['tasks'])).stdout.endsWith(words));
  t.true((await cli.run(['task', 'Mend it', '--repo', 'errand://sample'])).stdout.includes(words));
  t.is((await cli.run(['cancel', id])).stdout, 'Cancelled.\n');
  t.is((await watching.ended).code, 3);
  t.true((await cli.run(['retry', id])).stdout.endsWith(words));
});

test('retry and say set a new budget', async (t) => {
  const { api, cli } = await loggedIn(t);
  const { id } = await api.call('createTask', { body: { prompt: 'Mend it', repo_url: 'errand://sample' } });
  const budget = async () => (await api.call('getTask', { params: { id } })).budget_usd;
  t.is((await cli.run(['say', id, 'Go on', '--budget', '7.5'])).stdout, 'Sent.\n');
  t.is(await budget(), 7.5);
  await api.call('cancelTask', { params: { id } });
  t.is((await cli.run(['retry', id, '--budget', '9'])).stdout, 'The errand is queued again.\n');
  t.is(await budget(), 9);
  t.is((await cli.run(['retry', id, '--budget', 'lots'])).code, 2);
});

test('tasks lists errands, filters by status, and prints JSON', async (t) => {
  const { api, cli } = await loggedIn(t);
  t.true((await cli.run(['tasks'])).stdout.startsWith('No errands.'));
  const task = await api.call('createTask', { body: { prompt: 'Mend it\u001B[2J', repo_url: 'errand://sample' } });
  const { stdout } = await cli.run(['tasks']);
  t.true(stdout.startsWith(`${task.id.slice(-6)}  queued `) && stdout.endsWith('  Mend it\n'), stdout);
  t.true((await cli.run(['tasks', '--status', 'running'])).stdout.startsWith('No errands.'));
  t.like(JSON.parse((await cli.run(['tasks', '--json'])).stdout), { id: task.id, title: task.title });
});

test('diff writes the bytes of the diff if the output is not a terminal', async (t) => {
  const { server, api, cli } = await loggedIn(t);
  const { id } = await api.call('createTask', { body: { prompt: 'Mend it', repo_url: 'errand://sample' } });
  const diff = 'diff --git a/a b/a\n+\u001B[31mred\ttab\r\n';
  server.db.prepare('INSERT INTO diffs (task_id, diff, truncated) VALUES (?, ?, 1)').run(id, diff);
  const { stdout } = await cli.run(['diff', id]);
  t.is(stdout, diff);
});

test('diff has exit code 1 and names what is missing where the text is not the whole change', async (t) => {
  const { server, api, cli } = await loggedIn(t);
  const { id } = await api.call('createTask', { body: { prompt: 'Mend it', repo_url: 'errand://sample' } });
  const errand = new StagedErrand(server.log, id);
  errand.begin();
  const commits = { commit: 'a'.repeat(40), base_commit: 'b'.repeat(40) };
  const diff_stat = { files: 1, insertions: 1, deletions: 0 };
  errand.end('succeeded', null, { summary: '', branch: 'errand/x-mend', ...commits, diff_stat });
  const cases: [diff: string, truncated: boolean, code: number, stderr: RegExp][] = [
    ['diff --git a/a b/a\n+Binary files a and b differ\n', false, 0, /^$/],
    ['diff --git a/a b/a\n+x\n', true, 1, /too long.*\n.*git fetch errand:\/\/sample errand\/x-mend\n$/],
    ['diff --git a/a b/a\nBinary files a/a and b/a differ\n', false, 1, /no content of 1 binary file\./],
    ['diff --git a/a b/a\n+gr\uFFFDn\n', false, 0, /^\uFFFD may stand for bytes that are not UTF-8\.\n.*git fetch/],
  ];
  for (const [diff, truncated, code, stderr] of cases) {
    server.db.prepare('DELETE FROM diffs WHERE task_id = ?').run(id);
    server.db.prepare('INSERT INTO diffs (task_id, diff, truncated) VALUES (?, ?, ?)').run(id, diff, Number(truncated));
    const said = await cli.run(['diff', id]);
    t.is(said.code, code, said.stderr);
    t.regex(said.stderr, stderr);
  }
});

test('remove, project remove and account remove ask for confirmation', async (t) => {
  const { server, api, session, cli } = await loggedIn(t);
  // The first account owns the server, and stays; the one that goes is another.
  t.regex((await cli.run(['account', 'remove', '--yes'], { stdin: PASSWORD })).stderr, /^The owner's account cannot/);
  const { id: project_id } = await api.call('createProject', { body: { name: 'bills', repo_url: 'errand://sample' } });
  const task = await api.call('createTask', { body: { prompt: 'x', repo_url: 'errand://sample' } });
  t.is((await cli.run(['remove', task.id, '--yes'])).stderr, 'The task has not ended: cancel it first.\n');
  await api.call('cancelTask', { params: task });
  const unsaid = await cli.run(['remove', task.id]);
  t.is(unsaid.code, 2);
  t.regex(unsaid.stderr, /^There is no terminal to ask for confirmation: give --yes\./);
  t.is((await api.call('getTask', { params: task })).id, task.id);
  t.is((await cli.run(['remove', task.id.slice(-8), '--yes'])).stdout, 'Removed.\n');
  t.is((await api.refused('getTask', { params: task })).code, 'not_found');

  t.is((await cli.run(['project', 'remove', 'bills'])).code, 2);
  t.is((await cli.run(['project', 'remove', 'bills', '--yes'])).stdout, 'The project bills is removed.\n');
  t.is((await api.refused('getProject', { params: { id: project_id } })).code, 'not_found');

  const bob = await server.person('bob@example.org');
  const login = ['login', '--server', server.url, '--email', 'bob@example.org'];
  await cli.run(login, { stdin: PASSWORD });
  t.is((await cli.run(['account', 'remove'], { stdin: PASSWORD })).code, 2);
  const wrong = await cli.run(['account', 'remove', '--yes'], { stdin: 'not the one' });
  t.is(wrong.stderr, 'Your current password is wrong.\n');
  t.is((await bob.api.call('me', {})).email, 'bob@example.org');
  const { stdout } = await cli.run(['account', 'remove', '--yes'], { env: { ERRAND_PASSWORD: PASSWORD } });
  t.is(stdout, `The account bob@example.org is removed from ${server.url}.\n`);
  t.is((await bob.api.refused('me', {})).code, 'unauthenticated');
  t.deepEqual(
    (await cli.servers()).servers.map(({ email }) => email),
    [session.user.email],
  );
  t.is((await api.call('me', {})).id, session.user.id);
});

test('a server that does not answer, and a wrong address, are reported with an explanation', async (t) => {
  const cli = await CommandLine.create(t);
  const nobody = await cli.run(['login', '--server', 'http://127.0.0.1:2', '--email', 'ada@example.org'], {
    stdin: 'secret words',
  });
  t.is(nobody.code, 2);
  t.regex(nobody.stderr, /^http:\/\/127\.0\.0\.1:2 does not answer: nothing listens there\.\n$/);
  const nonsense = await cli.run(['login', '--server', 'localhost:8787']);
  t.regex(nonsense.stderr, /'localhost:8787' is neither the name of a server nor an address/);
});

test('the help lists every command, and each command has its own', async (t) => {
  const cli = await CommandLine.create(t);
  const { code, stdout } = await cli.run([]);
  t.is(code, 0);
  const names = [
    'login',
    'logout',
    'task',
    'tasks',
    'watch',
    'say',
    'cancel',
    'retry',
    'diff',
    'remove',
    'projects',
    'project add',
    'project remove',
    'account remove',
  ];
  for (const name of names) t.regex(stdout, new RegExp(`^${name} `, 'm'));
  const [asked, told] = await Promise.all([cli.run(['project', 'add', '--help']), cli.run(['help', 'project', 'add'])]);
  t.true(asked.stdout.startsWith('npx errand project add NAME [options]\n'), asked.stdout);
  t.deepEqual(told, asked);
});

test('tasks lists as many as asked for, over all pages, and says on stderr that there are more', async (t) => {
  const { server, session, cli } = await loggedIn(t);
  const added = addErrands(server.log, session.user.id, 410, () => ({}));
  const list = async (...options: string[]) => {
    const { stdout, stderr } = await cli.run(['tasks', '--json', ...options]);
    return { ids: stdout.split('\n').flatMap((line) => (line === '' ? [] : [String(JSON.parse(line).id)])), stderr };
  };
  const some = await list();
  t.is(some.ids.length, 20);
  t.is(some.stderr, 'These are the first 20. More are listed with --limit N or --all.\n');
  t.is((await list('--limit', '300')).ids.length, 300);
  const all = await list('--all');
  t.deepEqual(all.ids.toSorted(), added.map(({ id }) => id).toSorted());
  t.is(all.stderr, '');
  t.is((await list('--limit', '410')).stderr, '');
  for (const limit of ['0', '1.5', '-3']) t.is((await cli.run(['tasks', `--limit=${limit}`])).code, 2, limit);
});
