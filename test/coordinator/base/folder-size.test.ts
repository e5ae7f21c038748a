import { linkSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { folderSize } from '../../../coordinator/base/folder-size.ts';
import { temporaryFolder } from '../../support/folder.ts';

const MB = 1024 * 1024;
const within = { within_ms: 60_000, signal: new AbortController().signal };

test('counts each file of several folders once and does not follow links', async (t) => {
  const dir = await temporaryFolder(t);
  const [a, b] = [join(dir, 'a'), join(dir, 'b')];
  for (const folder of [a, b]) mkdirSync(folder);
  writeFileSync(join(a, 'file'), Buffer.alloc(MB, 1));
  linkSync(join(a, 'file'), join(b, 'again'));
  symlinkSync('/usr', join(b, 'usr'));
  t.is(await folderSize('files', [a, b], within), 4);
  const bytes = await folderSize('bytes', [a, b], within);
  t.true(bytes >= MB && bytes < 2 * MB, String(bytes));
});

test('a missing folder counts as 0', async (t) => {
  const dir = await temporaryFolder(t);
  for (const what of ['bytes', 'files'] as const) t.is(await folderSize(what, [join(dir, 'none')], within), 0);
  t.is(await folderSize('files', [dir, join(dir, 'none')], within), 1);
});

test('still counts when du prints thousands of errors', async (t) => {
  const dir = await temporaryFolder(t);
  writeFileSync(join(dir, 'file'), Buffer.alloc(MB, 1));
  const missing = Array.from({ length: 10_000 }, (_, n) => join(dir, `${n}-${'x'.repeat(100)}`));
  t.true((await folderSize('bytes', [...missing, dir], within)) >= MB);
});

test('a timeout gives Infinity', async (t) => {
  t.is(await folderSize('bytes', ['/'], { ...within, within_ms: 1 }), Infinity);
});

// A service stop or a Ctrl-C signals du too: that says nothing about the folder.
test.serial('rejects if du is killed from outside', async (t) => {
  const measuring = folderSize('bytes', ['/'], within);
  const [child] = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(' ').slice(-1);
  process.kill(Number(child), 'SIGTERM');
  await t.throwsAsync(measuring, { message: /du ended with SIGTERM and printed no total/ });
});

test('rejects when the signal aborts', async (t) => {
  const aborted = { ...within, signal: AbortSignal.abort() };
  await t.throwsAsync(folderSize('bytes', ['/'], aborted), { name: 'AbortError' });
});
