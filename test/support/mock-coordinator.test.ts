import test, { type ExecutionContext } from 'ava';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startProgram } from './child.ts';
import { CallbackReply } from '../../protocol/worker-schemas.ts';
import { temporaryFolder } from './folder.ts';
import { git, startGitServer } from './git-server.ts';
import { runLine, startMock } from './mock-program.ts';
import type { Step } from './scripted-worker.ts';
import { shellQuote } from './shell-quote.ts';
import { until } from './until.ts';

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const AGENT = file('./run-agent.ts');
const MOCK = file('./mock-coordinator/main.ts');
const CONFORMANCE = file('../conformance/main.ts');
const WORKER = file('./scripted-worker.ts');
const script = (...steps: Step[]) => JSON.stringify(steps);

/** The path of a bare repository. */
async function repository(t: ExecutionContext, name = 'repo'): Promise<string> {
  const server = await startGitServer();
  t.teardown(() => server.close());
  await server.createRepository(name);
  return join(server.root, name);
}

const SCRIPTED = `${shellQuote(process.execPath)} ${shellQuote(WORKER)}`;

/** Starts the mock for a scripted worker. `startWorker` runs the command that it prints. */
async function forScript(t: ExecutionContext, prompt: string, args: string[] = []) {
  const repo = await repository(t);
  const started = await startMock(t, ['--command', SCRIPTED, '--repo', repo, '--prompt', prompt, ...args]);
  return { repo, ...started, startWorker: () => runLine(t, started.process_line) };
}

for (const [name, program] of Object.entries({ mock: MOCK, conformance: CONFORMANCE, agent: AGENT }))
  test(`an option that does not exist is named, without a stack trace: ${name}`, async (t) => {
    const { exit, printed } = startProgram(t, program, ['--comand', 'x']);
    t.is(await exit, 2);
    t.regex(printed(), /^Unknown option '--comand'.*\nSee --help\.\n$/);
  });
const STARTED = {
  seq: 1,
  at: '2026-01-02T03:04:05.678Z',
  type: 'agent.started',
  body: { agent: 'test', version: '1', resumed: false },
};

/** Starts the mock. `post` makes a call of its task's worker. */
async function forCalls(t: ExecutionContext) {
  const started = await startMock(t, []);
  const read = (name: string) => new RegExp(`${name}=(\\S+)`).exec(started.process_line)?.[1] ?? '';
  const headers = { authorization: `Bearer ${read('ERRAND_TASK_TOKEN')}`, 'content-type': 'application/json' };
  const address = `${read('ERRAND_COORDINATOR')}/internal/tasks/${read('ERRAND_TASK_ID')}`;
  const post = (call: string, body: object) =>
    fetch(`${address}/${call}`, { method: 'POST', headers, body: JSON.stringify(body) });
  return { ...started, post };
}

test.serial('the mock prints how to start a worker and what it reports, and proxies its push', async (t) => {
  const prompt = script({ emit: 2, prefix: 'event ' }, { write: 'a.txt', text: 'a\n' });
  const { repo, mock, startWorker } = await forScript(t, prompt, ['--fail', 'events:503:2', '--lose', 'result']);
  const worker = startWorker();
  t.is((await worker).code, 0);
  await until('the result is printed', () => mock.printed().includes('● succeeded'));
  t.regex(mock.printed(), /scripted 1\n◦ clone\n[\s\S]*event 1\nevent 2\n[\s\S]*↑ pushed to errand\//);
  t.regex(await git(repo, 'branch', '--list', 'errand/*'), /errand\//);
  mock.signal('SIGTERM');
  t.is(await mock.exit, 0);
});

test.serial('an errand in two repositories is served, and both branches are shown', async (t) => {
  const also = await repository(t, 'web');
  const prompt = script({ write: 'a.txt', text: 'a\n' }, { write: '../web/b.txt', text: 'b\n' });
  const { repo, mock, startWorker } = await forScript(t, prompt, ['--also', also]);
  t.is((await startWorker()).code, 0);
  await until('the branches are shown', () => [repo, also].every((place) => mock.printed().includes(`is in ${place}`)));
  t.regex(mock.printed(), /web: errand\//);
  for (const [place, path] of [
    [repo, 'a.txt'],
    [also, 'b.txt'],
  ] as const)
    t.regex(await git(place, 'log', '--all', '--name-only', '--format='), new RegExp(path));
});

test.serial('runs commands that are typed or sent to /control', async (t) => {
  const { mock, control, startWorker } = await forScript(t, script({ hear: true }, { wait: true }), ['--all']);
  const worker = startWorker();
  await until('the work is running', () => mock.printed().includes('repository.ready'));
  t.regex(await control('fail events 503 2'), /^200 The next 2 events: fail/);
  mock.type('say Use tabs.');
  await until('the message was taken in', async () => /"pending_messages":0/.test(await control('status')), 30_000);
  t.regex(await control('nonsense'), /^400 'nonsense' is not a command/);
  t.regex(await control('fail nothing 503'), /^400 'nothing' is not a call/);
  t.regex(await control('fail events 99'), /^400 /);
  t.regex(await control('expire'), /^200/);
  t.regex(await control('cancel enough'), /^200/);
  t.is((await worker).code, 0);
  await until('the result is printed', () => mock.printed().includes('● cancelled: enough'));
});

test.serial('a message is changed and withdrawn until the worker takes it', async (t) => {
  const { control, post } = await forCalls(t);
  await post('events', { attempt: 1, events: [{ ...STARTED, body: { ...STARTED.body, takes_messages: true } }] });
  const heartbeat = async () => {
    const reply = await post('heartbeat', { attempt: 1, last_seq: 1, waiting_for: null });
    return CallbackReply.parse(await reply.json()).control.messages;
  };
  t.is(await control('unsay'), '400 No message waits.\n');
  await control('say Use spaces.');
  t.regex(await control('change Use tabs.'), /^200/);
  await control('say Be loud.');
  t.regex(await control('unsay'), /^200/);
  const messages = await heartbeat();
  t.deepEqual(
    messages.map(({ text }) => text),
    ['Use tabs.'],
  );
  await post('messages', { attempt: 1, ids: messages.map(({ id }) => id) });
  t.is(await control('change Use spaces.'), '400 The worker has taken the message.\n');
});

test.serial('nobody changes a message of a worker that does not take messages with the call', async (t) => {
  const { control, post } = await forCalls(t);
  await post('events', { attempt: 1, events: [STARTED] });
  await control('say Use spaces.');
  t.regex(await control('change Use tabs.'), /^400 .*takes_messages/);
});

test.serial(
  'fail injects a fault into each call by its name, and a spent budget into those to the model',
  async (t) => {
    const { control, post } = await forCalls(t);
    for (const call of ['messages', 'attachments']) {
      t.regex(await control(`fail ${call} 503`), /^200/);
      t.is((await post(call, {})).status, 503);
    }
    t.regex(await control('fail events budget'), /^400/);
    t.regex(await control('fail llm budget'), /^200/);
    const reply = await post('llm/v1/messages', {});
    t.is(reply.status, 429);
    t.is(reply.headers.get('x-should-retry'), 'false');
    t.like(await reply.json(), { error: { type: 'billing_error' } });
  },
);

test.serial('the printed commands give a worker a home of its own', async (t) => {
  const { process_line, container_line } = await startMock(t, []);
  for (const line of [process_line, container_line]) t.regex(line, /HOME=\S*workspace\/home\s/);
});

test.serial('a stale attempt ends its worker', async (t) => {
  const { mock, control, startWorker } = await forScript(t, script({ wait: true }));
  const worker = startWorker();
  await until('the work is running', () => mock.printed().includes('from main'));
  await control('stale');
  t.not((await worker).code, 0);
});

test.serial('a worker that parks is answered with say, and the next one continues with the answer', async (t) => {
  const prompt = script({ ask: 'Tabs or spaces?' }, { write: 'a.txt', text: 'a\n' });
  const { mock, control, startWorker } = await forScript(t, prompt, ['--park-after-ms', '200']);
  t.is((await startWorker()).code, 0);
  t.regex(mock.printed(), /\? Tabs or spaces\?\nanswer it with: say TEXT\n/);
  await control('say Tabs.');
  t.is((await startWorker()).code, 0);
  await until('the result is printed', () => mock.printed().includes('● succeeded'));
  t.regex(await control('status'), /"attempt":2,.*"breaches":\[\]/);
});

test.serial('a breach is printed at once, and once', async (t) => {
  const { mock, control, post } = await forCalls(t);
  const event = { seq: 1, at: '2026-01-02T03:04:05.678Z', type: 'log', body: { level: 'info', text: 'x' } };
  await post('events', { attempt: 1, events: [event] });
  const words = 'The first event was log, not agent.started.';
  await until('it is printed', () => mock.printed().includes(`✘ ${words}`));
  await control('status');
  t.is(mock.printed().split(words).length, 2);
});

test.serial('npm run agent pushes to a local repository and leaves nothing behind', async (t) => {
  const repo = await repository(t);
  const folder = await temporaryFolder(t);
  const prompt = script({ hear: true }, { write: 'a.txt', text: 'a\n' });
  const agent = startProgram(t, AGENT, ['--command', SCRIPTED, '--repo', repo, '--prompt', prompt], { TMPDIR: folder });
  await until('the work is under way', () => agent.printed().includes('from main'), 30_000);
  agent.type('Use tabs.');
  t.is(await agent.exit, 0, agent.printed());
  t.regex(agent.printed(), /● succeeded\n {2}It is done\./);
  t.regex(await git(repo, 'branch', '--list', 'errand/*'), /errand\//);
  t.deepEqual(await readdir(folder), []);
});

test.serial('npm run agent: an interrupt cancels, and the exit code is 1', async (t) => {
  const repo = await repository(t);
  const args = ['--command', SCRIPTED, '--repo', repo, '--prompt', script({ wait: true })];
  const agent = startProgram(t, AGENT, args);
  await until('the work is under way', () => agent.printed().includes('from main'), 30_000);
  agent.signal('SIGINT');
  t.is(await agent.exit, 1);
  t.regex(agent.printed(), /● cancelled: Cancelled at the terminal/);
});

test.serial('npm run agent names a folder that is not a repository', async (t) => {
  const folder = await temporaryFolder(t);
  const agent = startProgram(t, AGENT, ['--repo', folder, '--prompt', 'x']);
  t.is(await agent.exit, 1);
  t.is(agent.printed().trim(), `${folder} is not a git repository.`);
});

test.serial(
  'the same command starts a worker for one task after the other, also of a stale or expired attempt',
  async (t) => {
    const prompt = script({ write: 'a.txt', text: 'a\n' });
    const { repo, control, results, startWorker } = await forScript(t, prompt);
    const branches = async () => (await git(repo, 'branch', '--list', 'errand/*')).split('\n').filter(Boolean).length;
    for (const n of [1, 2]) {
      t.is((await startWorker()).code, 0);
      await results(n);
      t.is(await branches(), n);
    }
    await control('stale');
    await control('expire');
    t.is((await startWorker()).code, 0);
    await results(3);
    t.is(await branches(), 2, 'another attempt of the second task');
    t.regex(await control(`next ${script({ write: 'b.txt', text: 'b\n' })}`), /^200 The next worker gets another task/);
    t.is((await startWorker()).code, 0);
    await results(4);
    t.is(await branches(), 3);
    const files = await git(repo, 'log', '--branches=errand/*', '--name-only', '--format=', 'main..');
    t.true(files.includes('b.txt'), 'the prompt of next');
  },
);

test.serial('a worker that ended without a result is continued by the next one, until next gives it up', async (t) => {
  const prompt = script({ emit: 3 }, { wait: true });
  const { control, mock, startWorker } = await forScript(t, prompt);
  for (const n of [1, 2]) {
    const worker = startWorker();
    await until('the work is under way', () => mock.printed().split('from main').length > n, 30_000);
    await control('stale');
    t.not((await worker).code, 0);
  }
  await control(`next ${script({ write: 'b.txt', text: 'b\n' })}`);
  t.is((await startWorker()).code, 0);
  t.regex(await control('status'), /"attempt":4/);
});

for (const end of ['quit', 'SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  test.serial(`the mock leaves nothing behind: ${end}, after a task and during another one`, async (t) => {
    const folder = await temporaryFolder(t);
    const args = ['--command', SCRIPTED, '--prompt', script({ write: 'a.txt', text: 'a\n' })];
    const { mock, control, process_line } = await startMock(t, args, { TMPDIR: folder });
    t.is((await runLine(t, process_line)).code, 0);
    await control(`next ${script({ wait: true })}`);
    const worker = runLine(t, process_line);
    await until('the work is under way', () => mock.printed().split('from main').length > 2, 30_000);
    if (end === 'quit') mock.type('quit');
    else mock.signal(end);
    t.is(await mock.exit, 0, mock.printed());
    t.deepEqual(await readdir(folder), []);
    t.is((await worker).code, 0, 'it was cancelled, and ended');
  });

test.serial('the mock does not wait for a worker that is dead, nor when it is told twice to end', async (t) => {
  for (const [heartbeat_ms, quits] of [
    ['100', 1],
    ['600000', 2],
  ] as const) {
    const args = ['--command', `exec ${SCRIPTED}`, '--prompt', script({ run: 'kill -9 $PPID' })];
    const { mock, process_line } = await startMock(t, [...args, '--heartbeat-ms', heartbeat_ms]);
    t.not((await runLine(t, process_line)).code, 0);
    for (let n = 0; n < quits; n++) mock.type('quit');
    t.is(await mock.exit, 0, mock.printed());
  }
});

test.serial('the mock leaves nothing behind where its port is in use, and says what to do', async (t) => {
  const folder = await temporaryFolder(t);
  const { mock } = await startMock(t, []);
  const port = /127\.0\.0\.1:(\d+)/.exec(mock.printed())?.[1] ?? '';
  const second = startProgram(t, file('./mock-coordinator/main.ts'), ['--port', port], { TMPDIR: folder });
  t.is(await second.exit, 1);
  t.is(second.printed().trim(), `Port ${port} is in use: name another one with --port.`);
  t.deepEqual(await readdir(folder), []);
});

test('npm run agent does not believe a push that was never made', async (t) => {
  const repo = await repository(t);
  const command = `${shellQuote(process.execPath)} ${shellQuote(file('./tiny-worker.ts'))}`;
  const { exit, printed } = startProgram(t, AGENT, ['--repo', repo, '--prompt', 'lie', '--command', command]);
  t.is(await exit, 1);
  t.regex(printed(), /The worker reported the commit a{40} at errand\/\S+, and \S+ does not have it there\./);
});
