import test, { type ExecutionContext } from 'ava';
import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { startProgram } from '../support/child.ts';
import { temporaryFolder } from '../support/folder.ts';

const PROGRAM = fileURLToPath(new URL('main.ts', import.meta.url));

/** Runs the suite to its end, in a temporary folder that must be empty afterwards. */
async function runSuite(t: ExecutionContext, ...args: string[]) {
  const folder = await temporaryFolder(t);
  const suite = startProgram(t, PROGRAM, args, { TMPDIR: folder });
  const code = await suite.exit;
  t.deepEqual(await readdir(folder), []);
  return { code, printed: suite.printed() };
}

test('a program that cannot be started is named once, and nothing is left behind', async (t) => {
  const { code, printed } = await runSuite(t, '--worker', 'command:no-such-program');
  t.is(code, 1);
  t.regex(printed, /^ +the worker could not be started: spawn no-such-program ENOENT$/m);
  t.regex(printed, /^0 of 1 rules passed\.$/m);
  t.notRegex(printed, /\bat /);
});

test('of a worker that exits, the rule says at once with which code', async (t) => {
  const began = performance.now();
  const { code, printed } = await runSuite(t, '--worker', 'command:false', '--rule', 'posts the result');
  t.is(code, 1);
  t.regex(printed, /the worker exited with code 1 before this held: it answers \/healthz with 200/);
  t.true(performance.now() - began < 25_000, 'it waited for a worker that was gone');
});

test('--rule checks the rules with this text alone; without any it fails', async (t) => {
  const worker = 'command:false';
  const { printed } = await runSuite(t, '--worker', worker, '--rule', 'SETUP command that fails');
  t.regex(printed, /✘ a setup command that fails/);
  t.regex(printed, /^0 of 1 rules passed\.$/m);
  const none = await runSuite(t, '--worker', worker, '--rule', 'no such rule');
  t.is(none.code, 1);
  t.regex(none.printed, /No rule has 'no such rule' in its name\./);
});
