import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { execFile } from 'node:child_process';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { setupLink } from '../../coordinator/auth/setup-code.ts';
import { CommandLine } from '../support/command-line.ts';
import { CoordinatorProcess, TCP_MAIN } from '../support/coordinator-process.ts';
import { dockerTest, whyNot } from '../support/docker.ts';
import { temporaryFolder } from '../support/folder.ts';
import { git } from '../support/git-server.ts';
import { setupCodeOf } from '../support/setup-code.ts';

/* The first steps of a newcomer who has only this repository: start the server, run the commands that it prints. */

/** An address without a Docker engine, as on a machine without Docker. */
const NO_DOCKER = { DOCKER_HOST: 'unix:///nonexistent/docker.sock' };
const no_docker = await whyNot('errand-agent');
const CREDENTIALS = { email: 'newcomer@example.org', password: 'correct horse battery' };

/** The commands that the server suggests in its first lines, as lists of arguments. */
function commandsOf(output: string): string[][] {
  return [...output.matchAll(/^ {2}npx errand (.*)$/gm)].map(([, command = '']) =>
    [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? ''),
  );
}

/** Runs the sample errand as the first lines say, and checks its result. */
async function newcomer(t: ExecutionContext, env: Record<string, string>): Promise<CoordinatorProcess> {
  const data_dir = await temporaryFolder(t);
  const coordinator = CoordinatorProcess.start(t, data_dir, env);
  const url = await coordinator.url();
  await coordinator.shows('--follow\n');
  t.regex(coordinator.stdout, /the demo model: ANTHROPIC_API_KEY is not set/);
  const [signup = [], task = [], ...more] = commandsOf(coordinator.stdout);
  t.deepEqual(more, []);
  t.deepEqual(signup, ['signup', setupLink(url, setupCodeOf(data_dir))]);
  t.deepEqual([task[0], ...task.slice(2)], ['task', '--repo', 'errand://sample', '--follow']);

  const person = await CommandLine.create(t);
  const { email, password } = CREDENTIALS;
  const logged_in = await person.run([...signup, '--email', email], { stdin: `${password}\n` });
  t.is(logged_in.code, 0, logged_in.stderr);
  const followed = await person.run(task);
  t.is(followed.code, 0, followed.stdout + followed.stderr);
  t.regex(followed.stdout, /succeeded/);

  const [own = ''] = await readdir(join(data_dir, 'samples'));
  const sample = join(data_dir, 'samples', own);
  const branch = await git(sample, 'branch', '--list', 'errand/*', '--format=%(refname:short)');
  t.regex(branch, /^errand\/[^\n]+$/);
  await t.throwsAsync(testsPass(t, sample, 'main'));
  await t.notThrowsAsync(testsPass(t, sample, branch));

  const { code, stderr } = await coordinator.stop();
  t.deepEqual([code, stderr], [0, '']);
  return coordinator;
}

async function testsPass(t: ExecutionContext, repository: string, branch: string): Promise<void> {
  const clone = await temporaryFolder(t);
  await git(clone, 'clone', '--quiet', '--branch', branch, repository, '.');
  await promisify(execFile)(process.execPath, ['--test'], { cwd: clone, env: { PATH: process.env['PATH'] } });
}

test.serial('a newcomer without Docker types what the server prints, and the sample errand succeeds', async (t) => {
  const { stdout } = await newcomer(t, NO_DOCKER);
  t.regex(stdout, /Docker does not answer/);
  t.regex(stdout, /WARNING: workers run as plain processes of this machine, without isolation/);
  t.regex(stdout, /Errand is ready: http:\/\/127\.0\.0\.1:\d+$/m);
  t.regex(stdout, /workers {2}processes of this machine, without isolation/);
});

test.serial('a newcomer who asks for processes is not warned of Docker', async (t) => {
  const { stdout } = await newcomer(t, { ...NO_DOCKER, ERRAND_RUNNER: 'process' });
  t.notRegex(stdout, /Docker/);
  t.regex(stdout, /WARNING: workers run as plain processes of this machine, without isolation/);
});

dockerTest(
  'a newcomer with Docker runs the same commands, in containers, one of them warm',
  async (t) => {
    const { stdout } = await newcomer(t, { ERRAND_WARM_WORKERS: '1' });
    t.regex(stdout, /workers {2}containers without a network/);
  },
  no_docker,
);

test.serial('without Docker, a server that is open to others does not start by itself', async (t) => {
  const coordinator = CoordinatorProcess.start(t, await temporaryFolder(t), { ...NO_DOCKER, HOST: '0.0.0.0' });
  const { code, stdout, stderr } = await coordinator.ended;
  t.deepEqual([code, stdout], [1, '']);
  t.regex(stderr, /Docker does not answer/);
  t.regex(stderr, /HOST=0\.0\.0\.0 lets others in/);
  t.regex(stderr, /ERRAND_RUNNER=process if you want no isolation/);
  t.notRegex(stderr, /^ +at /m);
});

test.serial('the server prints ERRAND_PUBLIC_URL as its address', async (t) => {
  const env = { ...NO_DOCKER, ERRAND_PUBLIC_URL: 'https://errand.example.org/' };
  const coordinator = CoordinatorProcess.start(t, await temporaryFolder(t), env);
  await coordinator.shows('--follow\n');
  t.regex(coordinator.stdout, /^Errand is ready: https:\/\/errand\.example\.org$/m);
  t.regex(coordinator.stdout, /signup https:\/\/errand\.example\.org\/#setup=[0-9a-f]{24}$/m);
});

test.serial('all wrong settings are reported at once, each with its fault', async (t) => {
  const coordinator = CoordinatorProcess.start(t, await temporaryFolder(t), {
    PORT: 'http',
    ERRAND_PUBLIC_URL: 'errand.example.org',
    ERRAND_WORKERS: '0',
    ERRAND_RUNNER: 'podman',
    ERRAND_WORKER_IMAGE: 'my image',
    ERRAND_SIGNUP: 'maybe',
    ANTHROPIC_BASE_URL: 'ftp://example.org',
    ERRAND_WORKRES: '3',
  });
  const { code, stdout, stderr } = await coordinator.ended;
  t.deepEqual([code, stdout], [1, '']);
  t.deepEqual(stderr.trimEnd().split('\n'), [
    'These settings are wrong:',
    '  ANTHROPIC_BASE_URL is not an address that begins with http:// or https://',
    '  PORT is not a whole number from 0 to 65535',
    '  ERRAND_PUBLIC_URL is not an address that begins with http:// or https://',
    '  ERRAND_SIGNUP is neither open nor closed',
    '  ERRAND_RUNNER is neither docker nor process',
    '  ERRAND_WORKERS is below 1',
    '  ERRAND_WORKER_IMAGE is not the name of an image',
    '  ERRAND_WORKRES is not a setting of Errand',
  ]);
});

test.serial('a second server on the same data folder is refused, and the first goes on', async (t) => {
  const data_dir = await temporaryFolder(t);
  const env = { ERRAND_RUNNER: 'process' };
  const first = CoordinatorProcess.start(t, data_dir, env);
  const url = await first.url();
  const second = await CoordinatorProcess.start(t, data_dir, env).ended;
  t.deepEqual([second.code, second.stdout], [1, '']);
  t.is(
    second.stderr,
    `Another Errand is running on the data folder ${data_dir}. Stop it, or set ERRAND_DATA to another folder.\n`,
  );
  t.is((await fetch(`${url}/readyz`)).status, 200);
  await first.kill();
  const third = CoordinatorProcess.start(t, data_dir, env);
  t.is((await fetch(`${await third.url()}/readyz`)).status, 200);
});

/** A port on loopback that is in use until the test ends. */
async function takenPort(t: ExecutionContext): Promise<string> {
  const taken = createServer().listen(0, '127.0.0.1');
  t.teardown(() => taken.close());
  await once(taken, 'listening');
  return String((taken.address() as AddressInfo).port);
}

for (const [setting, main] of [['PORT'], ['ERRAND_CALLBACK_PORT', TCP_MAIN]] as const)
  test.serial(`a ${setting} in use stops the start with an explanation`, async (t) => {
    const port = await takenPort(t);
    const env = { ERRAND_RUNNER: 'process', [setting]: port };
    const { code, stderr } = await CoordinatorProcess.start(t, await temporaryFolder(t), env, main).ended;
    t.is(code, 1);
    t.regex(
      stderr,
      new RegExp(`^Errand cannot listen on 127\\.0\\.0\\.1, port ${port}: another program uses this port`),
    );
    t.regex(stderr, new RegExp(`Change .*${setting}\\.\n$`));
  });

test.serial('an ERRAND_CALLBACK_PORT in use does not stop a server whose workers all use sockets', async (t) => {
  const env = { ERRAND_RUNNER: 'process', ERRAND_CALLBACK_PORT: await takenPort(t) };
  const server = CoordinatorProcess.start(t, await temporaryFolder(t), env);
  t.is((await fetch(`${await server.url()}/readyz`)).status, 200);
});

test.serial('a file that is not a database stops the start with a fix, and no stack trace', async (t) => {
  const data_dir = await temporaryFolder(t);
  await writeFile(join(data_dir, 'errand.db'), 'this is no database, and was never one\n'.repeat(200));
  const { code, stderr } = await CoordinatorProcess.start(t, data_dir, { ERRAND_RUNNER: 'process' }).ended;
  t.is(code, 1);
  t.regex(stderr, /is damaged \(file is not a database\).*\n.*errand restore/);
  t.notRegex(stderr, /^ +at /m);
});

test.serial('Ctrl-C stops the server in order, although npm start forwards it a second time', async (t) => {
  const coordinator = CoordinatorProcess.start(t, await temporaryFolder(t), { ERRAND_RUNNER: 'process' });
  const { port } = new URL(await coordinator.url());
  // A request in progress delays the server's exit.
  const request = connect(Number(port), '127.0.0.1');
  request.on('error', () => undefined);
  t.teardown(() => request.destroy());
  request.write(
    'POST /auth/login HTTP/1.1\r\nHost: errand\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{',
  );
  await once(request, 'connect');
  coordinator.child.kill('SIGINT');
  await coordinator.shows('"msg":"stopping');
  coordinator.child.kill('SIGINT');
  const { code, stderr } = await coordinator.ended;
  t.deepEqual([code, stderr], [0, '']);
});
