import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { narrowDiff } from '../../../coordinator/domain/narrow-diff.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { git } from '../../support/git-server.ts';
import { Random } from '../../support/random.ts';

const FILES = 200;
const CODES = ['function one() {', '  return 1;', '}', '', '-- a', '++ b', '@@ -1,2 +1,2 @@', '$x = 1;', '\\ odd'];

/** A file, and the same after some edits at any place. */
function edited(random: Random): [before: string, after: string] {
  const line = () => `${random.pick(CODES)}${random.next() < 0.5 ? random.whole(1, 9) : ''}`;
  const before = Array.from({ length: random.whole(0, 60) }, line);
  const after = [...before];
  for (let edits = random.whole(1, 4); edits > 0; edits--)
    after.splice(
      random.whole(0, after.length),
      random.whole(0, 3),
      ...Array.from({ length: random.whole(0, 3) }, line),
    );
  const end = () => (random.next() < 0.7 ? '\n' : '');
  return [before.join('\n') + end(), after.join('\n') + end()];
}

test('a diff with whole files, narrowed, is the one that git makes', async (t) => {
  const seed = Date.now();
  t.log(`seed ${seed}`);
  const random = new Random(seed);
  const folder = await temporaryFolder(t);
  const pairs = Array.from({ length: FILES }, () => edited(random));
  // Its last line shows, whatever is trimmed.
  pairs.push(['before\n', 'after\n']);
  const commit = async (which: 0 | 1): Promise<void> => {
    await Promise.all(pairs.map((pair, i) => writeFile(join(folder, `${1000 + i}.txt`), pair[which])));
    await git(folder, 'add', '.');
    await git(folder, '-c', 'user.name=a', '-c', 'user.email=a@b', 'commit', '-qm', String(which), '--allow-empty');
  };
  await git(folder, 'init', '-q');
  await commit(0);
  await commit(1);
  const diff = (lines: number) => git(folder, 'diff', `-U${lines}`, 'HEAD~', 'HEAD');
  const [narrow, whole] = [await diff(3), await diff(1000)];
  t.not(whole, narrow);
  t.is(narrowDiff(whole), narrow);
  t.is(narrowDiff(narrow), narrow, 'it stays as it is, however often');
});

test('what is no diff, or was cut, stays as it is, however long', (t) => {
  const head = 'diff --git a/x b/x\n--- a/x\n+++ b/x\n';
  for (const text of [
    '',
    'garbage',
    `${head}@@ -1,9 +1,9 @@\n a\n`,
    `${head}@@ -1 +1 @@\nx`,
    `${head}@@ -1,2 +9e9 @@\n`,
  ])
    t.is(narrowDiff(text), text);
  const lines = Math.floor(LIMITS.diff_bytes_max / 2);
  const added = `${head}@@ -0,0 +1,${lines} @@\n${'+\n'.repeat(lines)}`;
  t.is(narrowDiff(added), added);
  const many = head + '@@ -1 +1 @@\n-\n+\n'.repeat(LIMITS.diff_bytes_max / 16);
  t.is(narrowDiff(many), many);
  const announced = head + '@@ -1,999999999 +1,999999999 @@\n \n'.repeat(50_000);
  t.is(narrowDiff(announced), announced);
});
