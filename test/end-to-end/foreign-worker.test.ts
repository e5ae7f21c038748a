import { execFile } from 'node:child_process';
import { cp, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { Api } from '../support/api.ts';
import { startProgram } from '../support/child.ts';
import { CoordinatorProcess } from '../support/coordinator-process.ts';
import { buildImage, dockerTest } from '../support/docker.ts';
import { ended } from '../support/errand.ts';
import { temporaryFolder } from '../support/folder.ts';
import { basic, git, startGitServer } from '../support/git-server.ts';
import { setupCodeOf } from '../support/setup-code.ts';
import { runLine, startMock } from '../support/mock-program.ts';

/* Each way to run a worker of another language that the pages name, with the worker in Python. */

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const WORKER = join(ROOT, 'test/support/python-worker');
const AGENT = join(ROOT, 'test/support/run-agent.ts');
const COMMAND = `python3 ${WORKER}/worker.py`;
const CREDENTIAL = { username: 'x-access-token', password: 'forge secret' };

const pythonImage = async (t: ExecutionContext) =>
  buildImage(t, WORKER, ['COPY *.py /worker/', 'CMD ["python3", "/worker/worker.py"]']);

/** The commit that the printed command shows: its title and files. */
async function shown(t: ExecutionContext, printed: string): Promise<string> {
  const line = /^The branch is in .*?: (git .*)$/m.exec(printed)?.[1] ?? 'false';
  const folder = /&&/.test(line) ? 'cd "$(mktemp -d)" && git init -q . && ' : '';
  const { output } = await runLine(t, `${folder}${line} --format=%s --stat`);
  return output;
}

test.serial('npm run agent --command takes a relative path, in the folder in which npm is called', async (t) => {
  const folder = await temporaryFolder(t);
  const server = await startGitServer();
  t.teardown(() => server.close());
  await server.createRepository('my repo');
  await cp(WORKER, join(folder, 'my worker'), { recursive: true });
  await mkdir(join(folder, 'tmp'));
  const args = ['--prefix', ROOT, 'run', '--silent', 'agent', '--', '--repo', `${server.root}/my repo`];
  const worker = ['--prompt', 'Say hello.', '--command', 'python3 "my worker/worker.py"'];
  const env = { ...process.env, TMPDIR: join(folder, 'tmp') };
  const { stdout } = await promisify(execFile)('npm', [...args, ...worker], { cwd: folder, env });
  t.regex(stdout, /^python-example 1$/m);
  t.regex(stdout, /● succeeded/);
  t.regex(await shown(t, stdout), /^Say hello\.\n[^]*NOTES\.md/);
  // npm keeps a cache there.
  t.deepEqual(
    (await readdir(join(folder, 'tmp'))).filter((name) => name.startsWith('errand')),
    [],
  );
});

test.serial('npm run agent: the branch of the sample repository is kept where it says', async (t) => {
  const env = { TMPDIR: await temporaryFolder(t) };
  const args = ['--repo', 'errand://sample', '--prompt', 'Say hello.'];
  const agent = startProgram(t, AGENT, [...args, '--command', COMMAND], env);
  t.is(await agent.exit, 0, agent.printed());
  t.regex(await shown(t, agent.printed()), /^Say hello\.\n[^]*NOTES\.md/);
  t.is((await readdir(env.TMPDIR)).length, 1, 'nothing else is left');
});

test.serial('npm run agent says that nothing was pushed, and keeps nothing', async (t) => {
  const env = { TMPDIR: await temporaryFolder(t) };
  const args = ['--repo', 'errand://sample', '--prompt', 'x', '--command', 'echo "it is broken" >&2; exit 3'];
  const agent = startProgram(t, AGENT, args, env);
  t.is(await agent.exit, 1);
  t.regex(agent.printed(), /sample\.git has no branch of this task\.\nThe worker did not start: it is broken/);
  t.deepEqual(await readdir(env.TMPDIR), []);
});

for (const [how, args, env] of [
  ['--git-token', ['--git-token', CREDENTIAL.password], {}],
  ['ERRAND_GIT_TOKEN', [], { ERRAND_GIT_TOKEN: CREDENTIAL.password }],
] as const)
  test.serial(`a private repository is cloned, pushed to and looked up with ${how}`, async (t) => {
    const server = await startGitServer(CREDENTIAL);
    t.teardown(() => server.close());
    const repo = await server.createRepository('private');
    const given = ['--repo', repo, '--prompt', 'Say hello.', '--command', COMMAND, ...args];
    const agent = startProgram(t, AGENT, given, env);
    t.is(await agent.exit, 0, agent.printed());
    t.true(agent.printed().includes(`The branch is in ${repo}: git fetch ${repo} errand/`), agent.printed());
    t.regex(await git(join(server.root, 'private'), 'branch', '--list', 'errand/*'), /errand\//);
    const refused = startProgram(t, AGENT, ['--repo', repo, '--prompt', 'x', '--command', COMMAND]);
    t.is(await refused.exit, 1);
    t.regex(refused.printed(), /repository_unavailable[^]*could not be read/);
  });

test.serial('the mock takes another user name with the token', async (t) => {
  const credential = { username: 'me', password: 'forge secret' };
  const server = await startGitServer(credential);
  t.teardown(() => server.close());
  const repo = await server.createRepository('private');
  const args = ['--repo', repo, '--git-username', 'me', '--command', COMMAND];
  const env = { ERRAND_GIT_TOKEN: credential.password };
  const { process_line, mock, results } = await startMock(t, args, env);
  const { code, output } = await runLine(t, process_line);
  t.is(code, 0, output);
  await results(1);
  t.false(mock.printed().includes(credential.password));
  t.true(server.requests.every(({ headers }) => headers.authorization === basic(credential)));
});

dockerTest('the docker run line of the mock works as it is printed, for one task after the other', async (t) => {
  const image = await pythonImage(t);
  const folder = await temporaryFolder(t);
  const { container_line, mock, results } = await startMock(t, ['--image', image, '--setup', 'id -u; touch /tmp/x'], {
    TMPDIR: folder,
  });
  for (const n of [1, 2, 3]) {
    const { code, output } = await runLine(t, container_line);
    t.is(code, 0, `${output}\n${mock.printed()}`);
    await results(n);
  }
  t.is(mock.printed().match(/● succeeded/g)?.length, 3);
  t.is(new Set(mock.printed().match(/git -C \S+ show \S+/g)).size, 3);
  mock.type('quit');
  t.is(await mock.exit, 0);
  t.deepEqual(await readdir(folder), []);
});

dockerTest('npm run agent --docker --image runs a worker of another language', async (t) => {
  const image = await pythonImage(t);
  const args = ['--docker', '--image', image, '--repo', 'errand://sample', '--prompt', 'Say hello.'];
  const agent = startProgram(t, AGENT, args, { TMPDIR: await temporaryFolder(t) });
  t.is(await agent.exit, 0, agent.printed());
  t.regex(await shown(t, agent.printed()), /NOTES\.md/);
});

/** Carries out an errand for the sample repository on a server with these settings. */
async function onServer(t: ExecutionContext, env: Record<string, string>): Promise<void> {
  const data_dir = await temporaryFolder(t);
  const coordinator = CoordinatorProcess.start(t, data_dir, env);
  const api = new Api(await coordinator.url());
  const body = { email: 'me@example.org', password: 'correct horse battery', setup_code: setupCodeOf(data_dir) };
  api.token = (await api.call('signup', { body })).access_token;
  const { id } = await api.call('createTask', { body: { prompt: 'Say hello.', repo_url: 'errand://sample' } });
  const task = await ended({ api }, id);
  t.is(task.status, 'succeeded', JSON.stringify(task));
  t.regex(await git(join(data_dir, 'samples', `${task.id}.git`), 'show', '--stat', task.branch ?? ''), /NOTES\.md/);
}

test.serial('a server with ERRAND_WORKER_COMMAND runs that worker', (t) =>
  onServer(t, { ERRAND_RUNNER: 'process', ERRAND_WORKER_COMMAND: COMMAND, ERRAND_WARM_WORKERS: '1' }),
);

dockerTest('a server with ERRAND_WORKER_IMAGE runs that worker', async (t) =>
  onServer(t, { ERRAND_RUNNER: 'docker', ERRAND_WORKER_IMAGE: await pythonImage(t) }),
);
