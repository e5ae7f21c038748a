import { linkSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { folderSize } from '../../../coordinator/base/folder-size.ts';
import { temporaryFolder } from '../../support/folder.ts';

const MB = 1024 * 1024;
const within = { within_ms: 60_000, signal: new AbortController().signal };

test('folders are measured together, each file once, and links are not followed', async (t) => {
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

test('a folder that is not there is nothing', async (t) => {
  const dir = await temporaryFolder(t);
  for (const what of ['bytes', 'files'] as const) t.is(await folderSize(what, [join(dir, 'none')], within), 0);
  t.is(await folderSize('files', [dir, join(dir, 'none')], within), 1);
});

test('complaints without an end are no reason to count nothing', async (t) => {
  const dir = await temporaryFolder(t);
  writeFileSync(join(dir, 'file'), Buffer.alloc(MB, 1));
  const complaints = Array.from({ length: 10_000 }, (_, n) => join(dir, `${n}-${'x'.repeat(100)}`));
  t.true((await folderSize('bytes', [...complaints, dir], within)) >= MB);
});

test('what could not be counted within the time is infinite', async (t) => {
  t.is(await folderSize('bytes', ['/'], { ...within, within_ms: 1 }), Infinity);
});

// A stop of the whole service, and a Ctrl-C, reach du as well: that says nothing of the folder.
test.serial('a measurement that is killed from outside is rejected', async (t) => {
  const measuring = folderSize('bytes', ['/'], within);
  const [child] = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(' ').slice(-1);
  process.kill(Number(child), 'SIGTERM');
  await t.throwsAsync(measuring, { message: /du gave no figure, and ended with SIGTERM/ });
});

test('a measurement that is broken off is rejected', async (t) => {
  const broken_off = { ...within, signal: AbortSignal.abort() };
  await t.throwsAsync(folderSize('bytes', ['/'], broken_off), { name: 'AbortError' });
});
