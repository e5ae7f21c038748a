import test, { type ExecutionContext } from 'ava';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { request } from 'undici';
import { startProgram } from './child.ts';
import { temporaryFolder } from './folder.ts';
import { git, startGitServer } from './git-server.ts';
import type { Step } from './scripted-worker.ts';
import { until } from './until.ts';

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const MOCK = file('./mock-coordinator/main.ts');
const AGENT = file('./run-agent.ts');
const WORKER = file('./scripted-worker.ts');
const script = (...steps: Step[]) => JSON.stringify(steps);

/** A bare repository on this machine, as a path. */
async function repository(t: ExecutionContext): Promise<string> {
  const server = await startGitServer();
  t.teardown(() => server.close());
  await server.createRepository('repo');
  return join(server.root, 'repo');
}

/** The mock as a program, and the worker that is started as it says. */
async function startMock(t: ExecutionContext, prompt: string, args: string[] = []) {
  const repo = await repository(t);
  const mock = startProgram(t, MOCK, [
    '--port',
    '0',
    '--heartbeat-ms',
    '100',
    '--repo',
    repo,
    '--prompt',
    prompt,
    ...args,
  ]);
  await until('it says how to start a worker', () => mock.printed().includes('Type help'), 30_000);
  const env = Object.fromEntries(
    [...mock.printed().matchAll(/(ERRAND_\w+)=(\S+)/g)].map(([, name = '', value = '']) => [name, value]),
  );
  const control = async (line: string) => {
    const answer = await request(`${env.ERRAND_COORDINATOR}/control`, { method: 'POST', body: line });
    return `${answer.statusCode} ${await answer.body.text()}`;
  };
  return { repo, mock, control, startWorker: () => startProgram(t, WORKER, [], env) };
}

test('the mock prints how to start a worker and what it receives, and forwards its push', async (t) => {
  const prompt = script({ emit: 2, prefix: 'event ' }, { write: 'a.txt', text: 'a\n' });
  const { repo, mock, startWorker } = await startMock(t, prompt, ['--fail', 'events:503:2', '--lose', 'result']);
  const worker = startWorker();
  t.is(await worker.exit, 0);
  await until('the result is printed', () => mock.printed().includes('● succeeded'));
  t.regex(mock.printed(), /scripted 1\n◦ clone\n[\s\S]*event 1\nevent 2\n[\s\S]*↑ pushed to errand\//);
  t.regex(await git(repo, 'branch', '--list', 'errand/*'), /errand\//);
  mock.signal('SIGTERM');
  t.is(await mock.exit, 0);
});

test('what is typed or sent to /control is obeyed', async (t) => {
  const { mock, control, startWorker } = await startMock(t, script({ hear: true }, { wait: true }), ['--all']);
  const worker = startWorker();
  await until('the work is under way', () => mock.printed().includes('repository.ready'));
  t.regex(await control('fail events 503 2'), /^200 The next 2 events: fail/);
  mock.type('say Use tabs.');
  await until('the message was heard', async () => /"pending_messages":0/.test(await control('status')), 30_000);
  t.regex(await control('nonsense'), /^400 'nonsense' is not known/);
  t.regex(await control('fail nothing 503'), /^400 'nothing' is no call/);
  t.regex(await control('fail events 99'), /^400 /);
  t.regex(await control('expire'), /^200/);
  t.regex(await control('cancel enough'), /^200/);
  t.is(await worker.exit, 0);
  await until('the result is printed', () => mock.printed().includes('● cancelled: enough'));
});

test('an attempt that is given up at the mock ends its worker', async (t) => {
  const { mock, control, startWorker } = await startMock(t, script({ wait: true }));
  const worker = startWorker();
  await until('the work is under way', () => mock.printed().includes('from main'));
  await control('stale');
  t.not(await worker.exit, 0);
});

test('one agent from the command line: it pushes to a repository on this machine, and nothing is left', async (t) => {
  const repo = await repository(t);
  const folder = await temporaryFolder(t);
  const prompt = script({ hear: true }, { write: 'a.txt', text: 'a\n' });
  const agent = startProgram(t, AGENT, ['--entry', WORKER, '--repo', repo, '--prompt', prompt], { TMPDIR: folder });
  await until('the work is under way', () => agent.printed().includes('from main'), 30_000);
  agent.type('Use tabs.');
  t.is(await agent.exit, 0, agent.printed());
  t.regex(agent.printed(), /● succeeded\n {2}It is done\./);
  t.regex(await git(repo, 'branch', '--list', 'errand/*'), /errand\//);
  t.deepEqual(await readdir(folder), []);
});

test('one agent from the command line: an interrupt cancels, and says so by its exit code', async (t) => {
  const repo = await repository(t);
  const args = ['--entry', WORKER, '--repo', repo, '--prompt', script({ wait: true })];
  const agent = startProgram(t, AGENT, args);
  await until('the work is under way', () => agent.printed().includes('from main'), 30_000);
  agent.signal('SIGINT');
  t.is(await agent.exit, 1);
  t.regex(agent.printed(), /● cancelled: Cancelled at the terminal/);
});

test('one agent from the command line: a folder that is not a git repository is named', async (t) => {
  const folder = await temporaryFolder(t);
  const agent = startProgram(t, AGENT, ['--repo', folder, '--prompt', 'x']);
  t.is(await agent.exit, 1);
  t.is(agent.printed().trim(), `${folder} is not a git repository.`);
});
