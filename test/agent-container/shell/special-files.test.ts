import { execFileSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { openRegularFile, readRegularFile } from '../../../agent-container/base/regular-file.ts';
import { Git } from '../../../agent-container/git/git.ts';
import { HEAD_REF, makeRef, readRef } from '../../../agent-container/git/own-repository.ts';
import { readRecord, writeRecord } from '../../../agent-container/git/workspace-record.ts';
import { Secrets } from '../../../agent-container/base/secrets.ts';
import { Shell } from '../../../agent-container/shell/shell.ts';
import { temporaryFolder } from '../../support/folder.ts';

/* An open() of a pipe waits for its other end, past any time limit. A device has no end, and a socket no content. */

async function makeShell(t: ExecutionContext) {
  const folder = await temporaryFolder(t);
  const [repo_dir, scratch_dir] = [join(folder, 'repo'), join(folder, 'scratch')];
  await Promise.all([mkdir(repo_dir), mkdir(scratch_dir)]);
  const env = { PATH: process.env['PATH'] ?? '', SCRATCH: scratch_dir };
  const secrets = new Secrets({ env: {} });
  const { signal } = new AbortController();
  const shell = new Shell({ repo_dir, scratch_dir, env, secrets, label: 'command', signal });
  t.teardown(() => shell.close());
  return { shell, repo_dir, scratch_dir, run: (command: string) => shell.run(command, 10_000, () => undefined) };
}

test('a pipe in the place of the file of an output holds up no command', async (t) => {
  const { shell, run } = await makeShell(t);
  await run('mkfifo "$SCRATCH/command-2.log" "$SCRATCH/command-3.log"');
  const { exit_code, output, log } = await run('seq 1 100000');
  t.is(exit_code, 0);
  t.is(log, null, 'the file is not named');
  t.regex(output, /100000\n$/);
  const { finished } = await shell.start('echo up');
  t.is((await finished)?.exit_code, 0);
});

test('a pipe in the place of what a command hands over to the next holds up neither', async (t) => {
  const { run, repo_dir } = await makeShell(t);
  const make = 'rm -f "$ERRAND_STATE/state"; mkfifo "$ERRAND_STATE/state"; cd /; exec true';
  t.is((await run(make)).exit_code, 0);
  t.is((await run('pwd')).output, `${repo_dir}\n`);
});

test('a pipe in the place of the kept working folder is replaced', async (t) => {
  const { shell, run, repo_dir, scratch_dir } = await makeShell(t);
  const file = join(scratch_dir, 'working-folder');
  await run('mkfifo "$SCRATCH/working-folder"');
  await shell.keepCwdIn(file);
  t.is((await run('mkdir sub && cd sub')).exit_code, 0);
  t.is(await readFile(file, 'utf8'), join(repo_dir, 'sub'));
});

test('only a regular file is read, and only up to a number of bytes', async (t) => {
  const folder = await temporaryFolder(t);
  const file = join(folder, 'file');
  await writeFile(file, 'four');
  t.is((await readRegularFile(file, 4))?.toString(), 'four');
  t.is(await readRegularFile(file, 3), undefined);
  t.is(await readRegularFile('/dev/zero', 4), undefined);
  t.is(await readRegularFile(folder, 4), undefined);
  t.is(await readRegularFile(join(folder, 'none'), 4), undefined);
  t.is(await openRegularFile('/dev/zero'), undefined);
  // Its size is 0, as of a file that a command has just begun to write.
  t.is(await readRegularFile('/proc/self/status', 4), undefined);
  t.regex((await readRegularFile('/proc/self/status', 1 << 20))?.toString() ?? '', /^Name:.*\n$/s);
});

test("pipes in the worker's own git directory hold up neither its record nor its refs", async (t) => {
  const dir = await temporaryFolder(t);
  await mkdir(join(dir, '.git/refs/errand'), { recursive: true });
  const own = new Git(dir, { PATH: process.env['PATH'] ?? '' }, new AbortController().signal, { lfs: false });
  const record = { task_id: 'task', workspace: 'clone', base_branch: 'main', base_commit: null, branch: 'work' };
  execFileSync('mkfifo', [join(own.git_dir, 'workspace.json'), join(own.git_dir, HEAD_REF)]);
  t.is(await readRecord(own), null);
  t.is(await readRef(own, HEAD_REF), null);
  await writeRecord(own, record);
  await makeRef(own, HEAD_REF, 'a'.repeat(40));
  t.deepEqual(await readRecord(own), record);
  t.is(await readRef(own, HEAD_REF), 'a'.repeat(40));
});
