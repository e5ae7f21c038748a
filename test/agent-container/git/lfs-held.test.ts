import test from 'ava';
import { diff } from '../../../agent-container/git/diff.ts';
import { showPointers } from '../../../agent-container/git/lfs-held.ts';
import { commitWorktree } from '../../../agent-container/git/worktree-commit.ts';
import { setRepositoryScene as scene } from '../../support/repository-scene.ts';

const NAMES = ['z.psd', 'with space.psd', '#z.psd', 'z[1]*?.psd', 'z\\.psd', 'ü.psd', 'z/two\nlines.psd', '"z".psd'];

test('the diff for an approval begins with the pointers of Git LFS, so that a long one does not lose them', async (t) => {
  const { clone, prepare, write } = await scene(t);
  const git = clone();
  const { base_commit } = await prepare(git);
  await write(git, '.gitattributes', '*.psd -diff\n');
  await write(git, 'a.txt', 'a line of text\n'.repeat(300_000));
  for (const [i, name] of NAMES.entries()) await write(git, name, `oid sha256:${i}\n`);
  const commit = (await commitWorktree(git, 'Long')).commit ?? '';
  t.notRegex((await diff(git.own, base_commit, commit)).diff, /^\+oid/m);
  await showPointers(git.own, NAMES);
  const shown = await diff(git.own, base_commit, commit);
  t.true(shown.diff_truncated);
  for (const i of NAMES.keys()) t.true(shown.diff.includes(`\n+oid sha256:${i}\n`), NAMES[i]);
});
