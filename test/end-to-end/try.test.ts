import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { CommandLine, Running } from '../support/command-line.ts';
import { dockerTest, whyNot } from '../support/docker.ts';
import { temporaryFolder } from '../support/folder.ts';
import { git } from '../support/git-server.ts';

/* `npm run try`, the first command of the README. */

const TRY = fileURLToPath(new URL('../../coordinator/start/trial/try.ts', import.meta.url));
/** An address without a Docker engine, as on a machine without Docker. */
const NO_DOCKER = { DOCKER_HOST: 'unix:///nonexistent/docker.sock' };
const no_docker = await whyNot('errand-agent');

/** Starts the trial, which creates its data folder in `temporary`. It ends with the test. */
async function start(t: ExecutionContext, env: Record<string, string>) {
  const temporary = await temporaryFolder(t);
  const { PATH = '', DOCKER_HOST = '', NODE_COMPILE_CACHE = '' } = process.env;
  const child = spawn(process.execPath, [TRY], {
    env: { PATH, DOCKER_HOST, NODE_COMPILE_CACHE, TMPDIR: temporary, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const trial = new Running(child);
  t.teardown(async () => {
    child.kill('SIGTERM');
    await trial.ended;
    if (!t.passed) t.log(trial.stdout.slice(-4000), trial.stderr.slice(-4000));
  });
  return { trial, temporary };
}

/** Ctrl-C under npm: both the terminal and npm send the signal. */
function interrupt({ child }: Running): void {
  child.kill('SIGINT');
  child.kill('SIGINT');
}

/** Waits for the end of the sample errand, then runs the commands that the trial suggests. */
async function goOn(t: ExecutionContext, trial: Running): Promise<void> {
  await trial.shows('stops this one and removes all that it has stored.', 60_000);
  const { stdout } = trial;
  t.regex(stdout, /^● succeeded$/m);
  t.regex(stdout, /^\+ {2}const rest = total % people;$/m);
  const [, password = ''] = /export ERRAND_PASSWORD=(\S+)/.exec(stdout) ?? [];
  const [, email = '', url = ''] = /npx errand (?:login --email (\S+)) \\\n +--server (\S+)/.exec(stdout) ?? [];
  const person = await CommandLine.create(t);
  const login = await person.run(['login', '--email', email, '--server', url], {
    env: { ERRAND_PASSWORD: password },
  });
  t.is(login.code, 0, login.stderr);
  t.regex((await person.run(['tasks'])).stdout, /succeeded .* Make the tests pass/);
  const [, repository = ''] = /git -C (\S+) log --all/.exec(stdout) ?? [];
  t.regex(await git(repository, 'branch', '--list', 'errand/*'), /make-the-tests-pass/);
}

test.serial('a trial whose temporary folder is too small ends, and says what to do', async (t) => {
  const { trial, temporary } = await start(t, { ...NO_DOCKER, ERRAND_DISK_FREE_MB_MIN: '1048576' });
  t.is((await trial.ended).code, 2);
  t.regex(trial.stdout, /This trial cannot go on.*\n +The server's disk is nearly full: .* free/);
  t.true(trial.stdout.includes(`The trial keeps its data in ${temporary}. Free some space there`));
  t.regex(trial.stdout, /TMPDIR=\S+ npm run try/);
  t.deepEqual(await readdir(temporary), []);
});

test.serial('Ctrl-C while the trial waits for a server that starts no errand ends it without a trace', async (t) => {
  const { trial, temporary } = await start(t, { ...NO_DOCKER, ERRAND_DISK_FREE_MB_MIN: '1048576' });
  await trial.shows('A server for this trial');
  interrupt(trial);
  const { code, stdout, stderr } = await trial.ended;
  t.deepEqual([code, stderr], [130, '']);
  t.notRegex(stdout, /cannot go on/);
  t.deepEqual(await readdir(temporary), []);
});

test.serial(
  'without Docker the trial runs the sample errand, keeps serving, and removes everything at Ctrl-C',
  async (t) => {
    const taken = createServer().listen(0, '127.0.0.1');
    t.teardown(() => taken.close());
    await once(taken, 'listening');
    const PORT = String((taken.address() as AddressInfo).port);
    const { trial, temporary } = await start(t, { ...NO_DOCKER, PORT });
    await goOn(t, trial);
    t.regex(trial.stdout, /No containers: Docker does not answer/);
    t.regex(trial.stdout, /model +the demo model, a script that only knows the sample/);
    interrupt(trial);
    const { code, stderr } = await trial.ended;
    t.deepEqual([code, stderr], [0, '']);
    t.deepEqual(await readdir(temporary), []);
  },
);

test.serial('Ctrl-C during the errand stops its worker and removes everything', async (t) => {
  const { trial, temporary } = await start(t, { ...NO_DOCKER, ANTHROPIC_API_KEY: 'sk-ant-not-used' });
  await trial.shows('▸ ');
  t.regex(trial.stdout, /Your API key is not used in this trial/);
  interrupt(trial);
  const { code } = await trial.ended;
  t.is(code, 130);
  t.deepEqual(await readdir(temporary), []);
});

test.serial('wrong settings end the trial, and nothing is left behind', async (t) => {
  const { trial, temporary } = await start(t, { ERRAND_WORKERS: 'many' });
  const { code, stderr } = await trial.ended;
  t.is(code, 2);
  t.is(stderr, 'These settings are wrong:\n  ERRAND_WORKERS is not a whole number from 1 to 100\n');
  t.deepEqual(await readdir(temporary), []);
});

dockerTest(
  'with Docker and the image the trial runs in a container',
  async (t) => {
    const { trial, temporary } = await start(t, {});
    await goOn(t, trial);
    t.regex(trial.stdout, /workers +containers without a network/);
    interrupt(trial);
    t.is((await trial.ended).code, 0);
    t.deepEqual(await readdir(temporary), []);
  },
  no_docker,
);
