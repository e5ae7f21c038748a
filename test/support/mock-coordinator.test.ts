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

/** The path of a bare repository. */
async function repository(t: ExecutionContext): Promise<string> {
  const server = await startGitServer();
  t.teardown(() => server.close());
  await server.createRepository('repo');
  return join(server.root, 'repo');
}

/** Starts the mock as a program. `startWorker` starts a worker with the environment that the mock prints. */
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
  await until('it prints how to start a worker', () => mock.printed().includes('Type help'), 30_000);
  const env = Object.fromEntries(
    [...mock.printed().matchAll(/(ERRAND_\w+)=(\S+)/g)].map(([, name = '', value = '']) => [name, value]),
  );
  const control = async (line: string) => {
    const response = await request(`${env.ERRAND_COORDINATOR}/control`, { method: 'POST', body: line });
    return `${response.statusCode} ${await response.body.text()}`;
  };
  return { repo, mock, control, startWorker: () => startProgram(t, WORKER, [], env) };
}

test('the mock prints how to start a worker and what it reports, and proxies its push', async (t) => {
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

test('runs commands that are typed or sent to /control', async (t) => {
  const { mock, control, startWorker } = await startMock(t, script({ hear: true }, { wait: true }), ['--all']);
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
  t.is(await worker.exit, 0);
  await until('the result is printed', () => mock.printed().includes('● cancelled: enough'));
});

test('a stale attempt ends its worker', async (t) => {
  const { mock, control, startWorker } = await startMock(t, script({ wait: true }));
  const worker = startWorker();
  await until('the work is running', () => mock.printed().includes('from main'));
  await control('stale');
  t.not(await worker.exit, 0);
});

test('npm run agent pushes to a local repository and leaves nothing behind', async (t) => {
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

test('npm run agent: an interrupt cancels, and the exit code is 1', async (t) => {
  const repo = await repository(t);
  const args = ['--entry', WORKER, '--repo', repo, '--prompt', script({ wait: true })];
  const agent = startProgram(t, AGENT, args);
  await until('the work is under way', () => agent.printed().includes('from main'), 30_000);
  agent.signal('SIGINT');
  t.is(await agent.exit, 1);
  t.regex(agent.printed(), /● cancelled: Cancelled at the terminal/);
});

test('npm run agent names a folder that is not a repository', async (t) => {
  const folder = await temporaryFolder(t);
  const agent = startProgram(t, AGENT, ['--repo', folder, '--prompt', 'x']);
  t.is(await agent.exit, 1);
  t.is(agent.printed().trim(), `${folder} is not a git repository.`);
});
