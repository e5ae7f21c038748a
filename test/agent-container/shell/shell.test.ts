import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Shell } from '../../../agent-container/shell/shell.ts';
import { Secrets } from '../../../agent-container/base/secrets.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { isAlive } from '../../support/processes.ts';
import { until } from '../../support/until.ts';

const SECRET = 'tok-5b1f0d2c9e';

async function makeShell(t: ExecutionContext, env: Record<string, string> = {}) {
  const folder = await temporaryFolder(t);
  const [repo_dir, scratch_dir] = [join(folder, 'repo'), join(folder, 'scratch')];
  await Promise.all([mkdir(repo_dir), mkdir(scratch_dir)]);
  const abort = new AbortController();
  const shell = new Shell({
    repo_dir,
    scratch_dir,
    env: { PATH: process.env['PATH'] ?? '', HOME: folder, ...env },
    secrets: new Secrets({ env: { NPM_TOKEN: SECRET } }),
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
  t.like(first, { cwd: Buffer.from(join(repo_dir, 'a/b')), cwd_changed: true, exit_code: 3 });
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

test('a process that ends by itself just after its command was not left running', async (t) => {
  const { run } = await makeShell(t);
  t.like(await run('sleep 0.05 & echo done'), { left_behind: false, output: 'done\n', exit_code: 0 });
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
  t.is(result.in_log, 'the whole output is');
  const whole = await readFile(join(scratch_dir, 'command-1.log'), 'utf8');
  t.is(whole.split('\n').length, 100_001);
  t.true(result.output.length < 32_000);
});

test('the file of an endless output is bounded, and is not said to have all of it', async (t) => {
  const { run, scratch_dir } = await makeShell(t);
  const result = await run('head -c 60000000 /dev/zero | tr "\\0" x');
  t.is(result.exit_code, 0);
  const log = await readFile(join(scratch_dir, 'command-1.log'), 'utf8');
  t.true(log.length <= 32 * 1024 * 1024 + 100);
  t.regex(log.slice(-100), /This file ends here/);
  t.is(result.in_log, 'the first 32 MiB of the output are');
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
  const { id, output, finished } = await shell.start('echo $$ > pid; echo ready; sleep 300');
  const log = output.log ?? '';
  const server = await pid('pid');
  await until('the output is there', async () => (await readFile(log, 'utf8').catch(() => '')).includes('ready'));
  t.is((await run('true')).exit_code, 0);
  t.true(isAlive(server));
  t.like(await shell.stop(id), { output: { log }, was_running: true });
  t.false(isAlive(server));
  t.is((await finished)?.ended_by, 'SIGTERM');
  t.regex(await readFile(log, 'utf8'), /ready\n\n\[ended by SIGTERM\]/);
  t.is(await shell.stop('background-99'), undefined);
});

test('the output of a background command is there at once, and whole before the line that says how it ended', async (t) => {
  const { shell } = await makeShell(t);
  const { output, finished } = await shell.start(
    `echo up; until [ -e stop ]; do sleep 0.01; done; printf ${SECRET.slice(0, 6)}`,
  );
  const log = output.log ?? '';
  await until('the output is there', async () => (await readFile(log, 'utf8').catch(() => '')) === 'up\n');
  await shell.run('touch stop', 30_000, () => undefined);
  await finished;
  t.is(await readFile(log, 'utf8'), `up\n${SECRET.slice(0, 6)}\n[exit code 0]\n`);
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

test('a command of any length runs', async (t) => {
  const { run, shell } = await makeShell(t);
  for (const chars of [127 * 1024, 128 * 1024, 200_000, 5_000_000]) {
    const result = await run(`text='${'x'.repeat(chars)}'\necho \${#text}\n`);
    t.is(result.output, `${chars}\n`);
  }
  const long = await run(`cat > file <<'END'\n${'line with $x and \\\\ in it\n'.repeat(20_000)}END\nwc -l < file`);
  t.is(long.output, '20000\n');
  const { finished, output } = await shell.start(`# ${'x'.repeat(300_000)}\necho started`);
  const log = output.log ?? '';
  await finished;
  t.regex(await readFile(log, 'utf8'), /^started\n/);
});

test('variables that are too long for any program do not break the shell', async (t) => {
  const { run } = await makeShell(t);
  await run(`export A=1 BIG=$(printf '%0200000d' 0) LAST=$(printf '%0131000d' 0)`);
  t.is((await run('echo "$A ${#BIG} ${#LAST}"')).output, '1 0 131000\n');
  await run(`for i in $(seq 100); do export "B$i=$(printf '%0100000d' 0)"; done`);
  t.is((await run('/bin/echo $A')).output, '1\n');
});

test('a command is run as it is: quotes, substitutions, a here-document, no newline at its end', async (t) => {
  const { run } = await makeShell(t);
  for (const [command, output] of [
    [`printf '%s' "a'b"`, `a'b`],
    ['cat <<END\n$((1 + 1))\nEND', '2\n'],
    ['echo \\\\ \\\n more', '\\ more\n'],
    ['# nothing', ''],
    ['echo "$#"; echo "$0"', '0\nbash\n'],
    ['\n\n  echo é😀  \n\n', 'é😀\n'],
    [`echo $'\\xe9' | od -An -tx1`, ' e9 0a\n'],
    ['f() { return 3; }; f; echo $?', '3\n'],
    ['pgrep -fc "pattern of its own" || true', '0\n'],
  ] as const)
    t.is((await run(command)).output, output, command);
});

test('no file of a command is left, nor of one in the background', async (t) => {
  const { run, shell, repo_dir, scratch_dir } = await makeShell(t);
  await run('echo "$ERRAND_STATE" > own');
  const { finished } = await shell.start('echo "$ERRAND_STATE" >> own');
  await finished;
  const own = (await readFile(join(repo_dir, 'own'), 'utf8')).trim().split('\n');
  t.is(own.length, 2);
  await until('its files are removed', () => own.every((dir) => !existsSync(dir)));
  t.deepEqual(await readdir(scratch_dir), ['command-2.log']);
});

test('a progress bar leaves its last state, in the result and in the file', async (t) => {
  const { run, scratch_dir } = await makeShell(t);
  const bar = `for i in $(seq 1 20000); do printf '\\r%d%%' $i; done; echo; echo done`;
  t.is((await run(bar)).output, '20000%\ndone\n');
  await run(`seq 1 50000; ${bar}`);
  const log = await readFile(join(scratch_dir, 'command-2.log'), 'utf8');
  t.true(log.endsWith('50000\n20000%\ndone\n'));
});

test('a shell goes on in the folder in which the one before it was, and its ids are its own', async (t) => {
  const { shell, repo_dir, scratch_dir, run } = await makeShell(t);
  const file = join(scratch_dir, 'working-folder');
  await shell.keepCwdIn(file);
  t.is(shell.cwd.toString(), repo_dir);
  const ids = new Set([(await shell.start('true')).id]);
  await run(`mkdir -p a/$'b\\xe9' && cd a/$'b\\xe9'`);
  for (const label of ['attempt-2-command', 'attempt-3-command']) {
    const next = shell.fork(label);
    await next.keepCwdIn(file);
    t.is((await next.run('basename "$PWD" | od -An -tx1', 30_000, () => undefined)).output, ' 62 e9 0a\n');
    ids.add((await next.start('true')).id);
  }
  t.is(ids.size, 3);
  await rm(join(repo_dir, 'a'), { recursive: true });
  const last = shell.fork('attempt-4-command');
  await last.keepCwdIn(file);
  t.is(last.cwd.toString(), repo_dir);
});

test('a command starts in the folder of the repository also where one before it has removed that', async (t) => {
  const { run, repo_dir } = await makeShell(t);
  t.is((await run('rm -r "$PWD"')).exit_code, 0);
  t.is((await run('pwd')).output, `${repo_dir}\n`);
});
