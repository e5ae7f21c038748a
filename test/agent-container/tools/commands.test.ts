import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { isAlive } from '../../support/processes.ts';
import { toolbox } from '../../support/tools.ts';
import { until } from '../../support/until.ts';

test('a command gives output, exit code and duration; its failure is not a tool error', async (t) => {
  const { use, call, deltas } = await toolbox(t);
  t.regex(await use('run_command', { command: 'echo hi; exit 1' }), /^hi\n\[exit code 1, \d+(\.\d)? m?s\]$/);
  t.regex(await use('run_command', { command: 'true' }), /^\(no output\)\n\[exit code 0/);
  t.like(await call('run_command', { command: 'exit 5' }), { is_error: false, exit_code: 5 });
  t.deepEqual(deltas, [{ ref: 'toolu_1', kind: 'output', text: 'hi\n' }]);
});

test('the result names a new working folder, killed processes, and the file with the whole output', async (t) => {
  const { use, scratch_dir } = await toolbox(t);
  t.regex(await use('run_command', { command: 'mkdir x; cd x' }), /\[the working folder is now x\]$/);
  t.regex(await use('run_command', { command: 'sleep 99 &' }), /left running were ended: .*background: true\]$/);
  const long = await use('run_command', { command: 'seq 1 50000' });
  const log = join(scratch_dir, 'command-3.log');
  t.true(long.includes(`[the whole output is in ${log}`));
  t.regex(await use('read_file', { path: log, offset: 30_000, limit: 1 }), /^30000\t30000\n/);
});

test('the result says where a command began, or where the next one begins, if that is not where the model is', async (t) => {
  const { use } = await toolbox(t);
  const kept = /\[the working folder and the variables are as they were before it: .*EXIT trap.*\]$/;
  for (const command of ['trap "echo bye" EXIT; cd /', 'cd /; exec true', 'cd /; kill -9 $$'])
    t.regex(await use('run_command', { command }), kept);
  t.notRegex(await use('run_command', { command: 'trap "echo bye" INT; exit 3' }), /\n.*\n/);
  const began = /\[the working folder was gone: it began in the root of the repository\]/;
  await use('run_command', { command: 'mkdir y; cd y' });
  t.regex(await use('run_command', { command: 'rmdir ../y' }), kept);
  t.regex(await use('run_command', { command: 'sleep 99', background: true }), /^It runs.+ends with your work/);
  t.regex(await use('run_command', { command: 'true' }), began);
  t.notRegex(await use('run_command', { command: 'true' }), began);
});

test('the result explains a time limit', async (t) => {
  const { use, call } = await toolbox(t);
  const text = await use('run_command', { command: 'echo begun; sleep 99', timeout_s: 1 });
  t.regex(text, /^ERROR: begun\n\[ended at its time limit, .*\]\n\[.*larger timeout_s.*\]$/s);
  t.like(await call('run_command', { command: 'sleep 99', timeout_s: 1 }), { is_error: true, exit_code: null });
});

test('only a bounded part of an endless output is relayed, and its end says that there is more', async (t) => {
  const { use, deltas } = await toolbox(t);
  await use('run_command', { command: 'head -c 5000000 /dev/zero | tr "\\0" x' });
  t.regex(deltas.pop()?.text ?? '', /^\n\[more output follows; .*\]\n$/);
  const chars = deltas.reduce((sum, { text }) => sum + text.length, 0);
  t.true(chars > 100_000 && chars <= 200_000);
});

test('of binary output only the length is given, and a few bytes in a text are no such output', async (t) => {
  const { use } = await toolbox(t);
  const binary = 'head -c 50000 /dev/urandom';
  const given = /\[\d{4,} characters of binary output, or of text that is not UTF-8: .*iconv\]/;
  const text = await use('run_command', { command: binary });
  t.regex(text, given);
  t.true(text.length < 3000, text);
  t.notRegex(
    await use('run_command', { command: `for i in $(seq 200); do printf '\\0\\0\\0\\0\\0\\0\\0\\0\\351x\\n'; done` }),
    /\uFFFD/,
  );
  t.regex(await use('run_command', { command: `printf '\\xe9%.0s' $(seq 99)` }), /^\uFFFD{99}\n/);
  t.regex(await use('run_command', { command: `seq 1000; head -c 200 /dev/zero | tr '\\0' '\\351'` }), /^1\n2\n/);
  const started = await use('run_command', { command: `${binary}; sleep 0.1`, background: true });
  t.regex(started, /^It ended at once[^]*characters of binary output/);
});

test('the text before and after binary output is kept', async (t) => {
  const { use } = await toolbox(t);
  const binary = `head -c 400 /dev/zero | tr '\\0' '\\351'`;
  const command = `seq 500; ${binary}; echo FAIL parser.test.ts; ${binary}; echo; echo 3 failed`;
  const text = await use('run_command', { command });
  t.regex(
    text,
    /^1\n2\n[^]*\n500\n\[400 characters of binary output, .*\]FAIL parser\.test\.ts\n\[400 .*\]\n3 failed\n/,
  );
});

test('a server runs in the background, and can be stopped', async (t) => {
  const { use, repo_dir } = await toolbox(t);
  const started = await use('run_command', { command: 'echo $$ > pid; echo listening; sleep 300', background: true });
  const [, id, log] = /as (command-1). Its output goes to (\S+):/.exec(started) ?? [];
  await until('the output is there', async () => (await use('read_file', { path: log ?? '' })).includes('listening'));
  const pid = Number(await readFile(join(repo_dir, 'pid'), 'utf8'));
  t.regex(await use('stop_command', { id }), /^command-1 was ended. Its output, in \S+:\nlistening/);
  t.false(isAlive(pid));
  t.regex(await use('stop_command', { id }), /^command-1 had ended already/);
  t.regex(await use('stop_command', { id: 'x' }), /^ERROR: There is no background command with the id x/);
});

test('a background command that fails at once is reported at once', async (t) => {
  const { use } = await toolbox(t);
  const text = await use('run_command', { command: 'echo no such port; exit 9', background: true });
  t.regex(text, /^It ended at once \(exit code 9\). Its output:\nno such port/);
});

test('an abort ends a command', async (t) => {
  const { call, abort, repo_dir } = await toolbox(t);
  const running = call('run_command', { command: 'sleep 300 & echo $! > pid; wait' });
  const file = join(repo_dir, 'pid');
  await until('the pid is there', async () => (await readFile(file, 'utf8').catch(() => '')).endsWith('\n'));
  abort.abort(new Error('cancelled'));
  await t.throwsAsync(running, { message: 'cancelled' });
  const pid = Number(await readFile(file, 'utf8'));
  await until('the process has gone', () => !isAlive(pid));
});

test('after a command that removed the repository the tools go on, and write_file makes it again', async (t) => {
  const { use, scratch_dir } = await toolbox(t, { 'a.txt': 'a\n' });
  const removed = await use('run_command', { command: 'seq 1 50000; cd .. && rm -r repo' });
  t.regex(removed, /\[exit code 0, [^]*the working folder is now /);
  t.regex(await use('read_file', { path: join(scratch_dir, 'command-1.log'), limit: 1 }), /^1\t1\n/);
  t.is(await use('write_file', { path: 'b.txt', content: 'b\n' }), 'Created b.txt: 1 line.');
  t.is(await use('read_file', { path: 'b.txt' }), '1\tb');
});

test('the output of a background command is given where its file could not be written, and no file is named', async (t) => {
  const { use } = await toolbox(t);
  await use('run_command', { command: 'mkfifo ../scratch/command-2.log ../scratch/command-3.log' });
  t.regex(
    await use('run_command', { command: 'echo one', background: true }),
    /^It ended at once \(exit code 0\). Its output:\none\n\n\[exit code 0\]$/,
  );
  t.regex(
    await use('run_command', { command: 'echo two; sleep 300', background: true }),
    /as command-3. Its output could not be written to a file: stop_command gives it/,
  );
  t.regex(await use('stop_command', { id: 'command-3' }), /^command-3 was ended. Its output:\ntwo/);
});
