import { constants } from 'node:os';
import { setImmediate as nextTurn } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import type { LogEvent, WorkerEvent } from '../../../protocol/events.ts';
import type { TaskResult } from '../../../protocol/task.ts';
import { CommandLine } from '../../support/command-line.ts';
import { startCuttingProxy } from '../../support/cutting-proxy.ts';
import { StagedErrand } from '../../support/staged-errand.ts';
import { until } from '../../support/until.ts';
import { startFaultyProxy } from '../../support/web/faulty-proxy.ts';
import { PASSWORD, startApi } from '../../support/start-api.ts';

const RESULT: TaskResult = {
  summary: 'The bill is split evenly now.',
  branch: 'errand/x-mend-it',
  commit: 'a'.repeat(40),
  base_commit: 'b'.repeat(40),
  diff_stat: { files: 1, insertions: 3, deletions: 1 },
};

/** A person at a command line, logged in through a bad network, and an errand of theirs. */
async function stage(t: ExecutionContext) {
  const server = await startApi(t);
  const network = await startCuttingProxy(t, server.url);
  const { api, session } = await server.person();
  const cli = await CommandLine.create(t);
  const { email } = session.user;
  const login = await cli.run(['login', '--server', network.url, '--email', email], { stdin: PASSWORD });
  t.is(login.code, 0, login.stderr);
  const { id } = await api.call('createTask', { body: { prompt: 'Mend the bill', repo_url: 'errand://sample' } });
  return { server, network, api, session, cli, id, errand: new StagedErrand(server.log, id) };
}

const said = (text: string): WorkerEvent => ({ type: 'log', body: { level: 'info', text } });

test('watch prints each event of the log exactly once, in order, however often the connection is cut', async (t) => {
  const { api, network, cli, id, errand } = await stage(t);
  const watching = cli.start(['watch', id, '--json']);
  await watching.shows('task.created');
  errand.begin();
  let cuts = 0;
  for (let n = 0; n < 600; n++) {
    errand.report(said(`line ${n}`));
    if (n % 20 === 0) {
      await watching.shows(`line ${Math.max(0, n - 20)}"`);
      if (Math.random() < 0.8) cuts += network.cut() > 0 ? 1 : 0;
    } else if (n % 7 === 0) await nextTurn();
  }
  errand.end('succeeded', null, RESULT);
  const { code, stdout } = await watching.ended;
  t.is(code, 0);
  t.true(cuts > 5, `${cuts} cuts`);
  const all: LogEvent[] = [];
  for (let after: number | null = 0; after !== null;) {
    const page: { items: LogEvent[]; next_cursor: number | null } = await api.call('listEvents', {
      params: { id },
      query: { limit: 200, after },
    });
    all.push(...page.items);
    after = page.next_cursor;
  }
  const printed = stdout
    .trim()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
  t.deepEqual(printed, all);
});

test('watch reports a lost connection once, and once that it is back', async (t) => {
  const { network, cli, id, errand } = await stage(t);
  const watching = cli.start(['watch', id]);
  await watching.shows('Mend the bill');
  errand.begin();
  errand.report(said('It watches.'));
  await watching.shows('It watches.');
  network.offline = true;
  network.cut();
  await until('it says so', () => watching.stderr.includes('Trying again'));
  const before = network.refused;
  await until('it has tried again and again', () => network.refused > before + 3);
  network.offline = false;
  await until('it has come back', () => watching.stderr.includes('The connection is back.'));
  errand.end('succeeded', null, RESULT);
  const { code, stderr } = await watching.ended;
  t.is(code, 0);
  t.is(stderr.split('\n').filter((line) => line.includes('Trying again until it is back.')).length, 1, stderr);
});

test('the exit code of watch is the outcome of the errand', async (t) => {
  const { server, api, cli } = await stage(t);
  const outcomes = [
    ['succeeded', null, 0],
    ['failed', 'budget_exhausted', 1],
    ['cancelled', null, 3],
  ] as const;
  for (const [status, reason, expected] of outcomes) {
    const { id } = await api.call('createTask', { body: { prompt: 'Mend it', repo_url: 'errand://sample' } });
    const errand = new StagedErrand(server.log, id);
    errand.begin();
    errand.end(status, reason);
    const { code, stdout } = await cli.run(['watch', id.slice(-10)]);
    t.is(code, expected, stdout);
    t.true(stdout.includes(status));
    t.is(stdout.includes(`npx errand retry ${id} --budget N`), reason === 'budget_exhausted', stdout);
  }
});

test('watch prints plain lines without escape sequences when the output is not a terminal', async (t) => {
  const { cli, id, errand } = await stage(t);
  errand.begin();
  errand.report(
    { type: 'agent.started', body: { agent: 'errand', version: '1', resumed: false } },
    { type: 'plan.updated', body: { items: [{ text: 'Run the tests', status: 'in_progress' }] } },
    { type: 'turn.started', body: { turn: 1, ref: 'turn-1', model: 'demo' } },
    turn('I look at \u001B]0;owned\u0007\u001B[2Jthe bill.\u009B31m'),
    { type: 'tool.started', body: { turn: 1, ref: 'tool-1', name: 'run_command', input: { command: 'npm test' } } },
    {
      type: 'tool.finished',
      body: {
        turn: 1,
        ref: 'tool-1',
        name: 'run_command',
        is_error: false,
        content: [{ type: 'text', text: Array.from({ length: 100 }, (_, n) => `output ${n}`).join('\n') }],
        duration_ms: 1234,
        exit_code: 1,
      },
    },
    {
      type: 'verify.finished',
      body: { command: 'npm test', passed: true, exit_code: 0, output: 'ok', duration_ms: 5 },
    },
  );
  errand.end('succeeded', null, RESULT);
  const { stdout } = await cli.run(['watch', id]);
  for (const part of [
    'Mend the bill',
    '▣ Run the tests',
    'I look at the bill.',
    '▸ run_command npm test',
    'output 0',
    'output 99',
    'exit 1, 1.2 s',
    '✔ verified',
    RESULT.summary,
    'errand/x-mend-it',
  ])
    t.true(stdout.includes(part), `${part} is missing: ${stdout}`);
  t.false(stdout.includes('output 50'));
  t.false(/[^\n\P{Cc}]/u.test(stdout), JSON.stringify(stdout));
});

test('watch follows an errand that resumes with a message', async (t) => {
  const { cli, id, errand, api } = await stage(t);
  errand.begin();
  errand.end('failed', 'budget_exhausted');
  t.is((await cli.run(['say', id, 'Go on, please'])).stdout, 'Sent. The errand goes on with it.\n');
  const watching = cli.start(['watch', id]);
  await watching.shows('Go on, please');
  errand.begin();
  errand.end('succeeded', null, RESULT);
  t.is((await watching.ended).code, 0);
  t.is((await api.call('getTask', { params: { id } })).attempts.length, 2);
});

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  test(`${signal} stops the watching and leaves the errand running`, async (t) => {
    const { cli, id, errand, api } = await stage(t);
    const watching = cli.start(['watch', id]);
    errand.begin();
    await watching.shows('running');
    watching.child.kill(signal);
    const { code, stderr } = await watching.ended;
    t.is(code, 128 + constants.signals[signal]);
    t.true(stderr.includes(`npx errand watch ${id}`) && stderr.includes('goes on'), stderr);
    t.is((await api.call('getTask', { params: { id } })).status, 'running');
  });

test('watch renews an expired access token', async (t) => {
  const { server, network, cli, id, errand } = await stage(t);
  const watching = cli.start(['watch', id]);
  errand.begin();
  await watching.shows('running');
  // Access tokens last ten minutes; the command line's own clock does not know that they have passed.
  server.clock.ahead_ms = 11 * 60_000;
  network.cut();
  errand.report(said('after the night'));
  await watching.shows('after the night');
  errand.end('succeeded', null, RESULT);
  t.is((await watching.ended).code, 0);
});

test('watch starts again from the beginning if the server was restored while the connection was lost', async (t) => {
  const { server, network, session, cli, id, errand } = await stage(t);
  const watching = cli.start(['watch', id]);
  errand.begin();
  errand.report(said('before'));
  await until('it has a socket', () => server.relay.count(session.user.id) > 0);
  // These events follow the first hello, and so the first epoch.
  errand.report(said('live'));
  await watching.shows('live');
  server.epoch.now = 'another';
  network.cut();
  await watching.shows('restored from a backup');
  errand.end('succeeded', null, RESULT);
  const { code, stdout } = await watching.ended;
  t.is(code, 0);
  t.is(stdout.split('before').length - 1, 2, stdout);
});

test('watch starts again from the beginning if a page of the log comes from a restored database', async (t) => {
  const { server, session, cli, id, errand } = await stage(t);
  const watching = cli.start(['watch', id]);
  errand.begin();
  errand.report(said('before'));
  await watching.shows('before');
  await until('it has a socket', () => server.relay.count(session.user.id) > 0);
  // From here on it reads no page before the last one.
  errand.report(said('live'));
  await watching.shows('live');
  server.epoch.now = 'another';
  errand.end('succeeded', null, RESULT);
  const { code, stdout } = await watching.ended;
  t.is(code, 0);
  const [first = '', second = ''] = stdout.split('restored from a backup');
  t.true(first.includes('before') && /before[^]*succeeded/.test(second), stdout);
});

test('watch --json reports a restored database on stderr', async (t) => {
  const { server, network, session, cli, id, errand } = await stage(t);
  const watching = cli.start(['watch', id, '--json']);
  errand.begin();
  await until('it has a socket', () => server.relay.count(session.user.id) > 0);
  errand.report(said('live'));
  await watching.shows('live');
  server.epoch.now = 'another';
  network.cut();
  await until('it has come back', () => watching.stderr.includes('restored from a backup'));
  errand.end('succeeded', null, RESULT);
  const { code, stdout } = await watching.ended;
  t.is(code, 0);
  const ids = stdout
    .trim()
    .split('\n')
    .map((line) => Number(JSON.parse(line).id));
  const start = ids.lastIndexOf(ids[0] ?? 0);
  t.true(start > 0, 'it begins anew');
  t.deepEqual(
    ids.slice(start),
    server.rows.filter(({ task_id }) => task_id === id).map((row) => row.id),
  );
});

for (const [code, status] of [
  ['internal', 500],
  ['rate_limited', 429],
] as const)
  test(`watch goes on after a fault of the server that passes: ${code}`, async (t) => {
    const { server, session, cli, id, errand } = await stage(t);
    const proxy = await startFaultyProxy(t, server.url);
    const { email } = session.user;
    await cli.run(['login', '--server', proxy.url, '--name', 'proxy', '--email', email], { stdin: PASSWORD });
    const watching = cli.start(['watch', id]);
    errand.begin();
    await watching.shows('running');
    let faults = 0;
    proxy.answer = ({ url = '' }, response) => {
      if (!url.split('?')[0]?.endsWith('/events')) return false;
      faults++;
      const problem = { type: `urn:errand:problem:${code}`, title: code, status, code };
      response.writeHead(status, { 'content-type': 'application/problem+json' }).end(JSON.stringify(problem));
      return true;
    };
    proxy.cut();
    await until('it has been refused', () => faults > 0);
    errand.end('succeeded', null, RESULT);
    proxy.answer = () => false;
    const ended = await watching.ended;
    t.is(ended.code, 0, ended.stderr);
  });

test('watch says that the log-in has ended if it cannot be renewed', async (t) => {
  const { server, cli, id, errand } = await stage(t);
  const watching = cli.start(['watch', id]);
  errand.begin();
  await watching.shows('running');
  const { refresh_token } = await cli.login();
  server.auth.logins.logout(refresh_token);
  const { code, stderr } = await watching.ended;
  t.is(code, 2);
  t.true(stderr.includes('npx errand login'), stderr);
});

function turn(text: string): WorkerEvent {
  const usage = { input_tokens: 1, cache_write_tokens: 0, cache_read_tokens: 0, output_tokens: 1 };
  const head = { turn: 1, ref: 'turn-1', model: 'demo', stop_reason: 'tool_use', request_id: null, duration_ms: 1 };
  return { type: 'turn.finished', body: { ...head, usage, content: [{ type: 'text', text }] } };
}
