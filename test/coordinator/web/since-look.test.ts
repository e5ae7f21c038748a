import test from 'ava';
import { foldHunk, nextOf, shownAtOnce } from '../../../coordinator/web/app/changes/fold.ts';
import { parseDiff } from '../../../coordinator/web/app/changes/parse.ts';
import { sinceLook } from '../../../coordinator/web/app/changes/since-look.ts';

/** The diff of a file, from lines with their signs. */
function diffOf(path: string, ...lines: string[]): string {
  const count = (sign: string) => lines.filter((line) => !line.startsWith(sign)).length;
  const head = `diff --git a/${path} b/${path}\nindex 1..2 100644\n--- a/${path}\n+++ b/${path}\n`;
  return `${head}@@ -1,${count('+')} +1,${count('-')} @@\n${lines.map((line) => `${line}\n`).join('')}`;
}

const whole = (diff: string) => ({ diff, truncated: false });
const since = (before: string, now: string, truncated = false) => {
  const { fresh, gone } = sinceLook(parseDiff(now), { diff: before, truncated });
  return { fresh: [...fresh].map(({ type, line, code }) => `${type} ${line} ${code}`), gone };
};

test('lines that changed since the last look are marked where they are, also beside others of the same text', (t) => {
  const before = diffOf('a', ' x', '+function one() {', '+}', ' y');
  const now = diffOf('a', ' x', '+function zero() {', '+}', '+function one() {', '+}', ' y', '-z');
  const { fresh, gone } = since(before, now);
  t.is(fresh.length, 3);
  t.true(fresh.includes('added 2 function zero() {') && fresh.includes('removed 3 z'));
  t.deepEqual(gone, []);
  t.deepEqual(since(now, now).fresh, []);
});

test('lines that are only context, or moved with the file, are not marked', (t) => {
  t.deepEqual(since(diffOf('a', '+new'), diffOf('a', ' 1', ' 2', '+new', ' 3')).fresh, []);
});

test('a file that was not changed at the last look is marked as a whole, one that no longer is is named', (t) => {
  const now = diffOf('a', '+a') + diffOf('b', ' x', '+b');
  t.deepEqual(since(diffOf('a', '+a') + diffOf('c', '+c'), now), { fresh: ['added 2 b'], gone: ['c'] });
});

test('nothing is marked at the first look, and nothing of what the last look did not have to its end', (t) => {
  const now = diffOf('a', '+a', '+b') + diffOf('b', '+b');
  t.deepEqual(sinceLook(parseDiff(now), undefined).fresh.size, 0);
  t.deepEqual(since('', now).fresh, []);
  t.deepEqual(since(diffOf('a', '+a'), now, true).fresh, []);
  t.deepEqual(since(diffOf('a', '+a') + diffOf('b', '+'), now, true).fresh, ['added 2 b']);
});

test('a file with more different lines than can be compared is not marked', (t) => {
  const lines = Array.from({ length: 0xd800 }, (_, i) => `+${i}`);
  t.is(sinceLook(parseDiff(diffOf('a', ...lines)), whole(diffOf('a', '+x'))).fresh.size, 0);
});

test('files that are too large to show at once take no room from those behind them', (t) => {
  const added = (path: string, count: number) => diffOf(path, ...Array.from({ length: count }, (_, i) => `+${i}`));
  const files = parseDiff(
    ['a', 'b', 'c', 'd'].map((path) => added(path, 401)).join('') +
      ['e', 'f', 'g', 'h'].map((path) => added(path, 400)).join('') +
      added('i', 300),
  );
  const shown = (isOpen: (path: string) => boolean) =>
    shownAtOnce(
      files.map((file) => ({ file })),
      ({ file }) => isOpen(file.path),
    ).map(({ file }) => file.path);
  t.deepEqual(
    shown(() => false),
    ['e', 'f', 'g', 'i'],
  );
  t.deepEqual(
    shown((path) => path > 'f'),
    ['e'],
    'what is open takes its room first',
  );
});

test('what is far from a change folds, and opens at both ends, twenty lines at a time', (t) => {
  const same = (count: number, name: string) => Array.from({ length: count }, (_, i) => ` ${name}${i}`);
  const [file] = parseDiff(diffOf('a', ...same(4, 'a'), '+new', ...same(56, 'b'), '-old', ...same(6, 'c'), '+end'));
  const [hunk] = file?.hunks ?? [];
  if (!hunk) return t.fail();
  const shape = (opened: ReadonlySet<object>) =>
    foldHunk(hunk, (line) => opened.has(line)).map(({ folded, lines }) => (folded ? -1 : 1) * lines.length);
  t.deepEqual(shape(new Set()), [-1, 7, -50, 11]);
  const fold = foldHunk(hunk, () => false)[2]?.lines ?? [];
  const opened = new Set(nextOf(fold));
  t.deepEqual(shape(opened), [-1, 27, -10, 31]);
  const rest = foldHunk(hunk, (line) => opened.has(line))[2]?.lines ?? [];
  t.is(nextOf(rest).length, 10);
});

test('a file that was viewed stays so whether its diff has the whole file or three lines around each change', (t) => {
  const lines = ['+new', ...Array.from({ length: 9 }, (_, i) => ` ${i}`)];
  t.is(parseDiff(diffOf('a', ...lines))[0]?.mark, parseDiff(diffOf('a', ...lines.slice(0, 4)))[0]?.mark);
  t.not(parseDiff(diffOf('a', ...lines))[0]?.mark, parseDiff(diffOf('a', '+other', ...lines.slice(1)))[0]?.mark);
});
