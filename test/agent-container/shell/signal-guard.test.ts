import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import { z } from 'zod';
import { guardFault } from '../../../agent-container/shell/signal-guard.ts';
import { BASE_IMAGE, docker, dockerTest } from '../../support/docker.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const SCRIPT = 'test/support/guarded-shell.ts';
const [tgkill, tkill, sigqueue] = process.arch === 'arm64' ? [131, 130, 138] : [234, 200, 129];
const Results = z.array(z.object({ output: z.string(), exit_code: z.number().nullable() }));

/** Runs commands in the shell of a process of its own. Rejects if they end that process. */
async function inProcess(...commands: string[]) {
  const { stdout } = await promisify(execFile)(process.execPath, [ROOT + SCRIPT, ...commands]);
  return Results.parse(JSON.parse(stdout));
}

/** The same in a container with the options of a worker's. */
async function inContainer(...commands: string[]) {
  const options = [
    '--init',
    '--cap-drop=ALL',
    '--security-opt=no-new-privileges',
    '--user=1000:1000',
    '--network=none',
  ];
  const limits = ['--read-only', '--tmpfs=/tmp:exec', '--memory=256m', '--memory-swap=256m', '--pids-limit=256'];
  const image = ['--volume', `${ROOT}:/app:ro`, BASE_IMAGE, 'node', `/app/${SCRIPT}`];
  return Results.parse(JSON.parse(await docker('run', '--rm', ...options, ...limits, ...image, ...commands)));
}

test('a command cannot signal the worker: not with any signal, nor its threads, nor its group', async (t) => {
  const each = (target: string) =>
    `for s in $(seq 1 64); do kill -$s ${target} 2>/dev/null && echo "$s reached it"; done`;
  const results = await inProcess(
    each('$WORKER'),
    each('1'),
    'for thread in /proc/$WORKER/task/*; do kill -9 ${thread##*/} 2>/dev/null && echo reached; done; true',
    each('-- -$(ps -o pgid= -p $WORKER | tr -d " ")'),
    // Signal 0 reaches nobody: it only asks.
    `perl -e 'print kill(0, -1), " ", kill(0, $ENV{WORKER})'`,
    `setsid bash -c '(kill -9 $WORKER; true) 2>&1 | grep -c "not permitted"'`,
    // What programs can use in place of kill: the last is pidfd_send_signal.
    `perl -e '$w = $ENV{WORKER} + 0; print join " ", syscall(${tgkill}, $w, $w, 9), syscall(${tkill}, $w, 9), ` +
      `syscall(${sigqueue}, $w, 9, my $info = "\\0" x 128), syscall(424, 0, 9, 0, 0)'`,
  );
  t.deepEqual(
    results.map(({ output }) => output),
    ['', '', '', '', '0 0', '1\n', '-1 -1 -1 -1'],
  );
});

test('a command can signal its own processes, and gets nothing of the guard but its limits', async (t) => {
  const [own, group, env, exit, missing] = await inProcess(
    'sleep 300 & kill $!; wait $!; echo $?',
    'setsid sleep 300 & sleep 0.1; kill -- -$!; wait $! 2>/dev/null; echo $?',
    'env | grep -ci perl; echo "$# $0"',
    'exit 9',
    'export LC_ALL=xx_XX.UTF-8 PERL5OPT=-MNothing; echo quiet >/dev/null',
  );
  t.is(own?.output, '143\n');
  t.is(group?.output, '143\n');
  t.is(env?.output, '0\n0 bash\n');
  t.is(exit?.exit_code, 9);
  t.is(missing?.output.includes('perl'), false);
});

test('what keeps the guard from working is named', (t) => {
  t.is(guardFault(), null);
  t.regex(guardFault('/nowhere/perl') ?? '', /can end the worker .* \/nowhere\/perl cannot be run/);
  // It is there, and is no program.
  t.regex(guardFault(ROOT + SCRIPT) ?? '', /guarded-shell\.ts cannot be run/);
});

dockerTest('in its container no command ends the worker', async (t) => {
  const attempts = [
    'kill -9 -1',
    'kill -TERM 1',
    'kill 1 -1',
    'pkill -9 -f node',
    'pkill node; pkill -9 node',
    'pkill -9 -u 1000',
    'pkill -9 -f guarded',
    'pkill -9 -f .',
    'kill -9 $PPID $WORKER',
    'for p in /proc/[0-9]*; do [ ${p#/proc/} = $$ ] || kill -9 ${p#/proc/}; done',
    `perl -e 'kill 9, -1, $ENV{WORKER}'`,
    `setsid sh -c 'kill -9 -1'`,
    `nohup sh -c 'sleep 0.1; kill -9 -1; pkill -9 node' >/dev/null & sleep 0.3`,
    // It takes all memory.
    `perl -e '$x = "x" x 1e9'; echo $?`,
  ];
  const results = await inContainer(...attempts.flatMap((attempt) => [attempt, 'echo alive']));
  for (const [i, attempt] of attempts.entries()) t.is(results[2 * i + 1]?.output, 'alive\n', attempt);
  t.is(results.at(-2)?.output.split('\n').at(-2), '137');
});
