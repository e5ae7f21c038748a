import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { cutDiff, diff, diffStat } from '../../../agent-container/git/diff.ts';
import { commitWorktree } from '../../../agent-container/git/worktree-commit.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { setRepositoryScene as scene } from '../../support/repository-scene.ts';

test('a diff that is too long is cut at the end of a line, and marked as truncated', async (t) => {
  const { clone, prepare, write } = await scene(t);
  const git = clone();
  const { base_commit } = await prepare(git);
  await write(git, 'long.txt', 'a line of text\n'.repeat(300_000));
  const { commit } = await commitWorktree(git, 'Long');
  const cut = await diff(git.own, base_commit, commit ?? '');
  t.true(cut.diff_truncated);
  t.true(Buffer.byteLength(cut.diff) <= LIMITS.diff_bytes_max);
  t.true(cut.diff.endsWith('+a line of text\n'));
  t.deepEqual(await diffStat(git.own, base_commit, commit ?? ''), { files: 1, insertions: 300_000, deletions: 0 });
});

test('a diff has the whole of each changed file, or three lines around each change where that would be too much', async (t) => {
  const { clone, prepare, write } = await scene(t);
  const git = clone();
  await prepare(git);
  const numbers = (count: number) => Array.from({ length: count }, (_, i) => `line ${i}\n`);
  await write(git, 'short.txt', numbers(500).join(''));
  const before = (await commitWorktree(git, 'Short')).commit ?? '';
  await write(git, 'short.txt', numbers(500).with(250, 'another\n').join(''));
  const { commit } = await commitWorktree(git, 'Change it');
  const { diff: whole } = await diff(git.own, before, commit ?? '');
  t.regex(whole, /^@@ -1,500 \+1,500 @@/m);
  t.true(whole.includes('\n line 0\n') && whole.includes('\n line 499\n'));

  const lines = Math.ceil(LIMITS.diff_context_bytes_max / 8);
  await write(git, 'long.txt', numbers(lines).join(''));
  const long = (await commitWorktree(git, 'Long')).commit ?? '';
  await write(git, 'long.txt', numbers(lines).with(250, 'another\n').join(''));
  const changed = await commitWorktree(git, 'Change it');
  const { diff: narrow, diff_truncated } = await diff(git.own, long, changed.commit ?? '');
  t.regex(narrow, /^@@ -248,7 \+248,7 @@/m);
  t.false(diff_truncated);
});

test('a file that was renamed counts as one, with the lines that changed in it', async (t) => {
  const { clone, prepare, write } = await scene(t);
  const git = clone();
  await prepare(git);
  await git.agents.run(['config', 'diff.renames', 'false']);
  const lines = Array.from({ length: 100 }, (_, i) => `line ${i}\n`);
  await write(git, 'old.txt', lines.join(''));
  const before = (await commitWorktree(git, 'Before')).commit ?? '';
  await rm(join(git.own.dir, 'old.txt'));
  await write(git, 'new.txt', lines.with(50, 'another\n').join(''));
  const { commit } = await commitWorktree(git, 'Rename it');
  t.deepEqual(await diffStat(git.own, before, commit ?? ''), { files: 1, insertions: 1, deletions: 1 });
  t.regex((await diff(git.own, before, commit ?? '')).diff, /^rename to new\.txt$/m);
});

test('a diff of bytes that are not UTF-8 stays within its limit', async (t) => {
  const { clone, prepare, write } = await scene(t);
  const git = clone();
  const { base_commit } = await prepare(git);
  await write(git, 'latin.txt', Buffer.from(`${'é'.repeat(60)}\n`.repeat(30_000), 'latin1'));
  await write(git, '.gitattributes', '*.txt diff\n');
  const { commit } = await commitWorktree(git, 'Latin');
  const cut = await diff(git.own, base_commit, commit ?? '');
  t.true(Buffer.byteLength(cut.diff) <= LIMITS.diff_bytes_max);
  t.true(cut.diff_truncated);
});

test('a diff that has to share its room is cut at the end of a line, whatever its characters take', (t) => {
  const given = { diff: '+ä\n+ö\n+ü\n', diff_truncated: false };
  t.deepEqual(cutDiff(given, 12), given);
  t.deepEqual(cutDiff(given, 11), { diff: '+ä\n+ö\n', diff_truncated: true });
  t.deepEqual(cutDiff(given, 8), { diff: '+ä\n+ö\n', diff_truncated: true });
  t.deepEqual(cutDiff(given, 7), { diff: '+ä\n', diff_truncated: true });
  t.deepEqual(cutDiff(given, 0), { diff: '', diff_truncated: true });
});
