import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Shell } from '../../../agent-container/shell/shell.ts';
import { Secrets } from '../../../agent-container/base/secrets.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { isAlive } from '../../support/processes.ts';
import { until } from '../../support/until.ts';

async function makeShell(t: ExecutionContext, env: Record<string, string> = {}) {
  const folder = await temporaryFolder(t);
  const [repo_dir, scratch_dir] = [join(folder, 'repo'), join(folder, 'scratch')];
  await Promise.all([mkdir(repo_dir), mkdir(scratch_dir)]);
  const abort = new AbortController();
  const shell = new Shell({
    repo_dir,
    scratch_dir,
    env: { PATH: process.env['PATH'] ?? '', HOME: folder, ...env },
    secrets: new Secrets({ env: {} }),
    label: 'command',
    signal: abort.signal,
  });
  t.teardown(() => shell.close());
  const run = (command: string, timeout_ms = 30_000) => shell.run(command, timeout_ms, () => undefined);
  const pid = async (name: string): Promise<number> => {
    const file = join(repo_dir, name);
    await until('the pid is there', async () => /\d\n/.test(await readFile(file, 'utf8').catch(() => '')));
    return Number(await readFile(file, 'utf8'));
  };
  return { shell, repo_dir, scratch_dir, abort, run, pid };
}

test('a command gives its exit code and output, stdout and stderr in the order in which they came', async (t) => {
  const { run } = await makeShell(t);
  const result = await run('echo one; echo two >&2; echo three; exit 7');
  t.like(result, { output: 'one\ntwo\nthree\n', exit_code: 7, timed_out: false, left_behind: false, log: null });
});

test('the next command gets the working directory and exported variables, and nothing else', async (t) => {
  const { run, repo_dir } = await makeShell(t);
  const first = await run('mkdir -p a/b && cd a/b && export NAME="x y\nz" && local=1; unset HOME; exit 3');
  t.like(first, { cwd: join(repo_dir, 'a/b'), cwd_changed: true, exit_code: 3 });
  const second = await run('pwd; echo "$NAME|$local|${HOME-none}"');
  t.is(second.output, `${repo_dir}/a/b\nx y\nz||none\n`);
  t.false(second.cwd_changed);
});

test('a command starts in the repository if the working directory is gone', async (t) => {
  const { run, repo_dir } = await makeShell(t);
  await run('mkdir gone && cd gone');
  await rm(join(repo_dir, 'gone'), { recursive: true });
  t.is((await run('pwd')).output, `${repo_dir}\n`);
});

test('no command breaks the shell: not one that exits, has unbalanced quotes, or replaces the process', async (t) => {
  const { run } = await makeShell(t);
  t.not((await run('echo "unterminated')).exit_code, 0);
  t.is((await run('exec sh -c "exit 4"')).exit_code, 4);
  t.is((await run('set -e; false; echo never')).output, '');
  t.is((await run('kill -9 $$')).ended_by, 'SIGKILL');
  t.is((await run('PATH=/nowhere; export PATH')).exit_code, 0);
  t.is((await run('echo still here')).output, 'still here\n');
});

test('a command gets an empty stdin', async (t) => {
  const { run } = await makeShell(t);
  t.is((await run('read line; echo "$?"')).output, '1\n');
});

test('a command ends at its time limit, with all that it started, and its output is kept', async (t) => {
  const { run, pid } = await makeShell(t);
  const result = await run('echo begun; export LOST=1; (trap "" TERM; sleep 300) & echo $! > pid; wait', 600);
  t.like(result, { timed_out: true, output: 'begun\n' });
  const child = await pid('pid');
  await until('the process has gone', () => !isAlive(child));
  t.is((await run('echo "<$LOST>"')).output, '<>\n');
});

test('processes that a command left running are killed, and reported', async (t) => {
  const { run, pid } = await makeShell(t);
  const result = await run('sleep 300 & echo $! > pid; echo done');
  t.like(result, { left_behind: true, output: 'done\n', exit_code: 0 });
  const child = await pid('pid');
  await until('the process has gone', () => !isAlive(child));
});

test('a daemon that holds the output is not waited for, and killed when the shell is closed', async (t) => {
  const { shell, run, pid } = await makeShell(t);
  const result = await run('setsid sleep 300 & echo $! > pid; sleep 0.1; echo up');
  t.is(result.output, 'up\n');
  t.true(result.duration_ms < 20_000);
  const daemon = await pid('pid');
  t.true(isAlive(daemon));
  await shell.close();
  await until('the process has gone', () => !isAlive(daemon));
});

test('an abort ends the whole process group', async (t) => {
  const { run, pid, abort } = await makeShell(t);
  const running = run('(trap "" TERM INT; sleep 300) & echo $! > pid; wait');
  const child = await pid('pid');
  abort.abort(new Error('stop'));
  await t.throwsAsync(running, { message: 'stop' });
  await until('the process has gone', () => !isAlive(child));
});

test('a long output goes to a file, and its head and tail are given', async (t) => {
  const { run, scratch_dir } = await makeShell(t);
  const result = await run('seq 1 100000');
  t.regex(result.output, /^1\n2\n[^]*characters left out[^]*\n99999\n100000\n$/);
  t.is(result.log, join(scratch_dir, 'command-1.log'));
  const whole = await readFile(join(scratch_dir, 'command-1.log'), 'utf8');
  t.is(whole.split('\n').length, 100_001);
  t.true(result.output.length < 32_000);
});

test('the file of an endless output is bounded', async (t) => {
  const { run, scratch_dir } = await makeShell(t);
  const result = await run('head -c 60000000 /dev/zero | tr "\\0" x');
  t.is(result.exit_code, 0);
  const log = await readFile(join(scratch_dir, 'command-1.log'), 'utf8');
  t.true(log.length <= 32 * 1024 * 1024 + 100);
  t.regex(log.slice(-100), /This file ends here/);
});

test('output is relayed while the command runs', async (t) => {
  const { shell, repo_dir } = await makeShell(t);
  const { promise: first_output, resolve } = Promise.withResolvers<string>();
  const running = shell.run('echo early; until [ -e go ]; do sleep 0.05; done; echo late', 30_000, resolve);
  t.is(await first_output, 'early\n');
  await mkdir(join(repo_dir, 'go'));
  t.is((await running).output, 'early\nlate\n');
});

test('a background command runs until it is stopped, and its output can be read', async (t) => {
  const { shell, run, pid } = await makeShell(t);
  const { id, log, finished } = await shell.start('echo $$ > pid; echo ready; sleep 300');
  const server = await pid('pid');
  await until('the output is there', async () => (await readFile(log, 'utf8').catch(() => '')).includes('ready'));
  t.is((await run('true')).exit_code, 0);
  t.true(isAlive(server));
  t.deepEqual(await shell.stop(id), { log, was_running: true });
  t.false(isAlive(server));
  t.is((await finished)?.ended_by, 'SIGTERM');
  t.regex(await readFile(log, 'utf8'), /ready\n\n\[ended by SIGTERM\]/);
  t.is(await shell.stop('background-99'), undefined);
});

test('closing the shell ends background commands, also those of its forks', async (t) => {
  const { shell, pid } = await makeShell(t);
  await shell.fork('other').start('echo $$ > pid; sleep 300');
  const server = await pid('pid');
  await shell.close();
  t.false(isAlive(server));
});

test('at most 16 commands run in the background', async (t) => {
  const { shell } = await makeShell(t);
  for (let i = 0; i < 16; i++) await shell.start('sleep 300');
  await t.throwsAsync(shell.start('sleep 300'), { message: /16 commands run in the background/ });
});

test('a fork starts with the variables of its shell, and is independent from then on', async (t) => {
  const { shell, run, repo_dir } = await makeShell(t);
  await run('export A=1; mkdir sub; cd sub');
  const fork = shell.fork('other');
  await run('export A=2');
  t.is((await fork.run('echo $A; pwd', 30_000, () => undefined)).output, `1\n${repo_dir}\n`);
});

test('the shell leaves no file of its own behind', async (t) => {
  const { run, scratch_dir, repo_dir } = await makeShell(t);
  await run('true');
  t.deepEqual([await readdir(scratch_dir), await readdir(repo_dir)], [[], []]);
});
