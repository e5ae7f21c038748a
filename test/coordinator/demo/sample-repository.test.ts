import { execFile } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { ensureSampleRepository } from '../../../coordinator/demo/sample-repository.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { git } from '../../support/git-server.ts';

test('the sample has one failing test, and fixing the code makes it pass', async (t) => {
  const folder = await temporaryFolder(t);
  const clone = join(folder, 'clone');
  await git(folder, 'clone', '--quiet', await ensureSampleRepository(join(folder, 'data')), clone);
  const before = await nodeTest(clone);
  t.is(before.code, 1);
  t.regex(before.output, /^# fail 1$/m);
  t.regex(before.output, /no cent is lost/);

  const source = join(clone, 'src/split-bill.js');
  const code = await readFile(source, 'utf8');
  const fixed = code.replace('() => share)', '(_, i) => share + (i < total % people ? 1 : 0))');
  t.not(fixed, code);
  await writeFile(source, fixed);
  const after = await nodeTest(clone);
  t.is(after.code, 0, after.output);
});

test('is created once, with the same first commit everywhere, and keeps pushed branches', async (t) => {
  const folder = await temporaryFolder(t);
  const [path, same, other] = await Promise.all([
    ensureSampleRepository(join(folder, 'a')),
    ensureSampleRepository(join(folder, 'a')),
    ensureSampleRepository(join(folder, 'b')),
  ]);
  t.is(path, same);
  t.deepEqual(await readdir(join(folder, 'a')), ['sample.git']);
  t.regex(await git(path, 'count-objects', '-v'), /^count: 0$[^]*^packs: 1$/m, 'each errand copies few files');
  const head = await git(path, 'rev-parse', 'main');
  t.is(await git(other, 'rev-parse', 'main'), head);
  await git(path, 'branch', 'errand/x', 'main');
  await ensureSampleRepository(join(folder, 'a'));
  t.is(await git(path, 'rev-parse', 'errand/x'), head);
});

async function nodeTest(cwd: string): Promise<{ code: unknown; output: string }> {
  try {
    // ava sets this variable, and with it `node --test` would report to a parent process.
    const env = { ...process.env, NODE_TEST_CONTEXT: undefined };
    const { stdout } = await promisify(execFile)(process.execPath, ['--test', '--test-reporter=tap'], { cwd, env });
    return { code: 0, output: stdout };
  } catch (error) {
    const { code, stdout } = error as { code: unknown; stdout: string };
    return { code, output: stdout };
  }
}
