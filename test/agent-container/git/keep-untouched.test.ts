import test from 'ava';
import { readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GitError, type Git } from '../../../agent-container/git/git.ts';
import { commitWorktree } from '../../../agent-container/git/worktree-commit.ts';
import { setRepositoryScene as scene } from '../../support/repository-scene.ts';

test('files that nobody touched stay as they are, whatever the attributes say of their form', async (t) => {
  const crlf = { 'a.txt': 'one\r\ntwo\r\n', 'b.txt': 'three\r\n', 'c.txt': 'four\r\n', 'd.md': 'five\n' };
  const { clone, prepare, write } = await scene(t, { '.gitattributes': '*.txt text eol=lf\n', ...crlf });
  const repos = clone();
  const { commit } = await prepare(repos);
  // As where the index knows nothing of the files.
  await repos.own.run(['read-tree', 'HEAD']);
  t.like(await commitWorktree(repos, 'Nothing'), { commit });
  await write(repos, 'd.md', 'six\n');
  await write(repos, 'b.txt', 'three and more\r\n');
  await repos.agents.run(['add', '--renormalize', 'c.txt']);
  const work = await commitWorktree(repos, 'Work');
  t.is(
    await repos.own.run(['diff', '--name-only', commit ?? '', work.commit ?? '']),
    'b.txt\nc.txt\nd.md',
    'what the agent has changed or staged is committed',
  );
});

test('where the work changes the attributes, files get the form that they say', async (t) => {
  const { clone, prepare, write } = await scene(t, { 'a.txt': 'one\r\ntwo\r\n' });
  const repos = clone();
  const { commit } = await prepare(repos);
  const changed = async () => {
    // As where the files were touched, so that git looks at them again.
    await repos.own.run(['read-tree', 'HEAD']);
    const work = await commitWorktree(repos, 'Work');
    return repos.own.run(['diff', '--name-only', commit ?? '', work.commit ?? '']);
  };
  await write(repos, '.gitattributes', '*.txt text eol=lf\n');
  t.is(await changed(), '.gitattributes\na.txt');
  await repos.agents.run(['add', '.gitattributes']);
  await repos.agents.run(['commit', '-q', '-m', 'Attributes']);
  t.is(await changed(), '.gitattributes\na.txt', 'also after the agent has committed them');
});

test('an attribute of other files leaves those that nobody touched as they are', async (t) => {
  const attributes = '*.txt text eol=lf\n';
  const { clone, prepare, write } = await scene(t, { '.gitattributes': attributes, 'a.txt': 'one\r\n' });
  const repos = clone();
  const { commit } = await prepare(repos);
  await write(repos, '.gitattributes', `${attributes}*.png binary\n`);
  // As where git looks at the files again.
  await repos.own.run(['read-tree', 'HEAD']);
  const work = await commitWorktree(repos, 'Work');
  t.is(await repos.own.run(['diff', '--name-only', commit ?? '', work.commit ?? '']), '.gitattributes');
});

test('attributes that others have changed, in commits that the agent took over, change no file', async (t) => {
  const { clone, prepare, write, byAnother } = await scene(t, { 'a.txt': 'one\r\n', 'b.txt': 'two\r\n' });
  const repos = clone();
  await prepare(repos);
  await byAnother('main', '.gitattributes', '*.txt text eol=lf\n');
  await repos.agents.run(['fetch', '-q', 'origin', 'main']);
  await repos.agents.run(['reset', '-q', '--hard', 'origin/main']);
  t.like(await commitWorktree(repos, 'Nothing'), { commit: await repos.agents.commit('HEAD') });
  await write(repos, '.gitattributes', '*.txt text eol=lf\nb.txt eol=crlf\n');
  await repos.own.run(['read-tree', 'HEAD']);
  const work = await commitWorktree(repos, 'Work');
  const changed = await repos.own.run(['diff', '--name-only', 'refs/errand/head', work.commit ?? '']);
  t.is(changed, '.gitattributes\nb.txt', 'but those whose own attributes the work changes have the form that it says');
});

/** Does something to the files right after git has read them. */
function onceAdded(own: Git, act: () => Promise<void>): void {
  const run = own.try.bind(own);
  own.try = async (args, options) => {
    const result = await run(args, options);
    if (args[0] === 'add') await act();
    return result;
  };
}

test('a file that goes away meanwhile does not keep others from staying as they are', async (t) => {
  const crlf = { 'a.txt': 'one\r\n', 'b.txt': 'two\r\n', 'c.txt': 'three\r\n' };
  const { clone, prepare } = await scene(t, { '.gitattributes': '*.txt text eol=lf\n', ...crlf });
  const repos = clone();
  const { commit } = await prepare(repos);
  const { own } = repos;
  await own.run(['read-tree', 'HEAD']);
  onceAdded(own, () => rm(join(own.dir, 'b.txt')));
  const work = await commitWorktree(repos, 'Work');
  t.is(await own.run(['diff', '--name-only', commit ?? '', work.commit ?? '']), 'b.txt');
});

test('a file that has another size than in the commit is not read to its end', async (t) => {
  const crlf = { 'a.txt': 'one\r\n', 'b.txt': 'two\r\n' };
  const { clone, prepare } = await scene(t, { '.gitattributes': '*.txt text eol=lf\n', ...crlf });
  const repos = clone();
  const { commit } = await prepare(repos);
  const { own } = repos;
  await own.run(['read-tree', 'HEAD']);
  // As a log that a command goes on writing.
  onceAdded(own, () => truncate(join(own.dir, 'b.txt'), 2 ** 40));
  const work = await commitWorktree(repos, 'Work');
  t.is(await own.run(['diff', '--name-only', commit ?? '', work.commit ?? '']), 'b.txt');
});

test('where git cannot read the attributes of a base, nothing is committed, and no lock stays', async (t) => {
  const { clone, prepare, write } = await scene(t, { '.gitattributes': '*.txt text eol=lf\n', 'a.txt': 'one\r\n' });
  const repos = clone();
  await prepare(repos);
  await write(repos, '.gitattributes', '*.txt text eol=lf\n*.png binary\n');
  const { own } = repos;
  await own.run(['read-tree', 'HEAD']);
  const run = own.try.bind(own);
  own.try = async (args, options) => {
    const index = options?.env?.GIT_INDEX_FILE;
    if (args[0] !== 'read-tree' || index === undefined) return run(args, options);
    // As where git was killed.
    await writeFile(`${index}.lock`, '');
    return { code: null, timed_out: false, stdout: Buffer.alloc(0), stderr: '', truncated: false };
  };
  await t.throwsAsync(commitWorktree(repos, 'Work'), { instanceOf: GitError });
  t.deepEqual(
    (await readdir(own.git_dir)).filter((name) => name.startsWith('other-index')),
    [],
  );
});

test('a changed file whose name is not UTF-8 does not keep others from staying as they are', async (t) => {
  const { clone, prepare } = await scene(t, { '.gitattributes': '*.txt text eol=lf\n', 'a.txt': 'one\r\n' });
  const repos = clone();
  const { commit } = await prepare(repos);
  const odd = Buffer.concat([Buffer.from(`${repos.own.dir}/`), Buffer.from('caf\xe9.bin', 'latin1')]);
  await writeFile(odd, 'one\n');
  await repos.agents.run(['add', '*.bin']);
  await repos.agents.run(['commit', '-q', '-m', 'Odd']);
  await writeFile(odd, 'one and two\n');
  await repos.own.run(['read-tree', 'HEAD']);
  const work = await commitWorktree(repos, 'Work');
  t.is((await repos.own.run(['diff', '--name-only', commit ?? '', work.commit ?? ''])).split('\n').length, 1);
});
