import test from 'ava';
import { rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryName } from '../../../agent-container/base/temporary-name.ts';
import { moveHeadTo } from '../../../agent-container/git/agent-repository.ts';
import { commitWorktree, exceededByLfs } from '../../../agent-container/git/worktree-commit.ts';
import { leftOut } from '../../../agent-container/git/left-out.ts';
import { git as plainGit } from '../../support/git-server.ts';
import { until } from '../../support/until.ts';
import { setRepositoryScene as scene } from '../../support/repository-scene.ts';

test('files that a commit should not hold are left out, and named', async (t) => {
  const { clone, prepare, task, write, publish, names, folder } = await scene(t);
  const git = clone();
  await prepare(git);
  await write(git, 'node_modules/a/index.js', 'x');
  await write(git, 'pkg/__pycache__/m.pyc', 'x');
  await write(git, 'huge.bin', Buffer.alloc(51 * 1024 * 1024));
  await plainGit(folder, 'init', '-q', join(git.agents.dir, 'inner'));
  await write(git, 'inner/file', 'x');
  await plainGit(join(git.agents.dir, 'inner'), 'add', '.');
  await plainGit(join(git.agents.dir, 'inner'), 'commit', '-q', '-m', 'inner');
  await write(git, 'with space ünd [glob]*.txt', 'x');
  await symlink('/etc/passwd', join(git.agents.dir, 'link'));
  const { excluded } = await publish(git);
  t.deepEqual(excluded, ['huge.bin is above 50 MiB', 'inner/ is a repository of its own']);
  t.is((await names(task.branch)).length, 3, 'the readme, the link and the unusual name');
});

test('what a killed worker left of a write is neither committed nor named', async (t) => {
  const { clone, prepare, task, write, publish, names } = await scene(t);
  const repos = clone();
  await prepare(repos);
  await write(repos, `src/${temporaryName()}`, 'half');
  await write(repos, 'src/.errand-notes', 'whole\n');
  await publish(repos);
  t.deepEqual(await names(task.branch), ['README.md', 'src/.errand-notes']);
  t.deepEqual((await leftOut(repos.own, 0)).texts, []);
});

test('a file of Git LFS is held to the bound of one, and to what is left of that for all', (t) => {
  const MIB = 1024 * 1024;
  t.is(exceededByLfs(1024 * MIB, 4096 * MIB), null);
  t.is(exceededByLfs(1024 * MIB + 1, 4096 * MIB), '1024 MiB');
  t.is(exceededByLfs(6 * MIB, 6 * MIB), null);
  t.is(exceededByLfs(6 * MIB + 1, 6 * MIB), 'the 6 MiB that are left of 4096 MiB for files of Git LFS');
});

test('committing the working tree changes neither HEAD, nor the index, nor files', async (t) => {
  const { clone, prepare, write } = await scene(t, { 'a.txt': 'a\n', 'b.txt': 'b\n' });
  const git = clone();
  await prepare(git);
  await write(git, 'a.txt', 'staged\n');
  await git.agents.run(['add', 'a.txt']);
  await write(git, 'b.txt', 'changed\n');
  await rm(join(git.agents.dir, 'a.txt'));
  const before = await git.agents.run(['status', '--porcelain=v2']);
  const { commit } = await commitWorktree(git, 'All');
  t.is(await git.agents.run(['status', '--porcelain=v2']), before);
  t.is(await git.own.run(['ls-tree', '--name-only', commit ?? '']), 'b.txt');
  await moveHeadTo(git, commit ?? '');
  t.is(await git.agents.run(['status', '--porcelain']), '');
});

test('a change of the same size in the second of the last git command is committed', async (t) => {
  const { clone, prepare, write } = await scene(t, { 'a.txt': 'a\n' });
  const git = clone();
  await prepare(git);
  await write(git, 'a.txt', 'b\n');
  await git.agents.run(['add', 'a.txt']);
  await write(git, 'a.txt', 'c\n');
  const second = Math.floor(Date.now() / 1000);
  await until('the second has passed', () => Date.now() >= (second + 1) * 1000);
  const { commit } = await commitWorktree(git, 'All');
  t.is(await git.own.run(['show', `${commit}:a.txt`]), 'c');
});

test('a git that was killed while it read the files leaves no lock behind', async (t) => {
  const { clone, prepare, write } = await scene(t);
  const { own, agents } = clone();
  await prepare({ own, agents });
  await write({ own, agents }, 'a.txt', 'a\n');
  const run = own.try.bind(own);
  own.try = async (args, options) => {
    if (args[0] !== 'add') return run(args, options);
    await writeFile(join(own.git_dir, 'index.lock'), '');
    return { code: null, timed_out: true, stdout: Buffer.alloc(0), stderr: 'git add took too long', truncated: false };
  };
  const cut = await commitWorktree({ own, agents }, 'Cut short');
  t.true(cut.excluded.some((text) => text.includes('took too long')));
  own.try = run;
  const { commit } = await commitWorktree({ own, agents }, 'All');
  t.is(await own.run(['show', `${commit}:a.txt`]), 'a');
});

test('a merge with conflicts can be committed as it is', async (t) => {
  const { clone, prepare, task, write } = await scene(t, { 'a.txt': 'a\n' });
  const git = clone();
  await prepare(git);
  await write(git, 'a.txt', 'one\n');
  await git.agents.run(['commit', '-qam', 'One']);
  await git.agents.run(['checkout', '-q', '-b', 'side', 'HEAD^']);
  await write(git, 'a.txt', 'two\n');
  await git.agents.run(['commit', '-qam', 'Two']);
  t.not((await git.agents.try(['merge', task.branch])).code, 0);
  const { commit } = await commitWorktree(git, 'Half');
  t.is((await git.own.run(['rev-list', '--parents', '-1', commit ?? ''])).split(' ').length, 3);
  t.regex(await git.own.run(['show', `${commit}:a.txt`]), /<<<<<<< HEAD/);
});

test('a submodule that the agent adds, or moves to another commit, is committed; no program of it runs', async (t) => {
  const { clone, prepare, write, publish, bare, task, server } = await scene(t);
  const repos = clone();
  await prepare(repos);
  const { dir } = repos.own;
  const lib = join(dir, 'lib');
  await plainGit(dir, 'submodule', '--quiet', 'add', await server.createRepository('lib', { 'x.txt': 'x\n' }), 'lib');
  const { excluded } = await publish(repos, 'Add it');
  t.deepEqual(excluded, []);
  const link = () => plainGit(bare, 'ls-tree', task.branch, 'lib');
  const first = await plainGit(lib, 'rev-parse', 'HEAD');
  t.is(await link(), `160000 commit ${first}\tlib`);

  await plainGit(lib, 'commit', '-q', '--allow-empty', '-m', 'Second');
  const second = await plainGit(lib, 'rev-parse', 'HEAD');
  await writeFile(join(lib, '.gitattributes'), '* filter=x\n');
  await plainGit(lib, 'config', 'filter.x.clean', `touch ${join(dir, 'ran')}; cat`);
  await write(repos, 'lib/x.txt', 'y\n');
  await write(repos, 'a.txt', 'a\n');
  await publish(repos, 'Move it');
  t.is(await link(), `160000 commit ${second}\tlib`);
  t.is(await plainGit(bare, 'ls-tree', '--name-only', task.branch), '.gitmodules\nREADME.md\na.txt\nlib');

  await rm(lib, { recursive: true });
  await write(repos, 'lib', 'a file now');
  await publish(repos, 'Replace it');
  t.regex(await link(), /^100644 blob/);
});

test('a submodule that git cannot link to is named with the reason, and keeps no other out', async (t) => {
  const { clone, prepare, write, publish, names, task } = await scene(t);
  const repos = clone();
  await prepare(repos);
  const { dir, git_dir } = repos.own;
  for (const path of ['broken', 'empty', 'good', 'other']) {
    await plainGit(dir, 'init', '-q', `--object-format=${path === 'other' ? 'sha256' : 'sha1'}`, path);
    if (path !== 'empty') await plainGit(join(dir, path), 'commit', '-q', '--allow-empty', '-m', 'First');
  }
  const named = (path: string) => `[submodule "${path}"]\n\tpath = ${path}\n`;
  await write(repos, '.gitmodules', ['broken', 'empty', 'good', 'other'].map(named).join(''));
  const run = repos.own.try.bind(repos.own);
  repos.own.try = async (args, options) => {
    if (args[0] !== 'update-index' || !args.includes('--add')) return run(args, options);
    // As where git was killed.
    await writeFile(join(git_dir, 'index.lock'), '');
    await writeFile(join(dir, 'broken/.git/HEAD'), 'broken\n');
    return { code: null, timed_out: false, stdout: Buffer.alloc(0), stderr: '', truncated: false };
  };
  const { excluded } = await publish(repos);
  t.is(excluded.length, 3);
  t.is(excluded[0], 'broken/ is a submodule that git cannot read');
  t.is(excluded[1], 'empty/ is a submodule without a commit');
  t.is(excluded[2], 'other/ is a submodule with another object format');
  t.deepEqual(await names(task.branch), ['.gitmodules', 'README.md', 'good']);
});

test('many submodules without a commit are looked at side by side, and added in one run', async (t) => {
  const { clone, prepare, write } = await scene(t);
  const repos = clone();
  await prepare(repos);
  const { own } = repos;
  const paths = Array.from({ length: 20 }, (_, i) => `s${i}`);
  for (const path of paths) await plainGit(own.dir, 'init', '-q', path);
  await write(repos, '.gitmodules', paths.map((path) => `[submodule "${path}"]\n\tpath = ${path}\n`).join(''));
  const run = own.try.bind(own);
  const changes: string[] = [];
  let [now, at_once] = [0, 0];
  own.try = async (args, options) => {
    if (args[0] === 'update-index') changes.push(args.join(' '));
    const looks = args[0] === 'rev-parse' && args.at(-1) === 'HEAD';
    if (looks) at_once = Math.max(at_once, ++now);
    const result = await run(args, options);
    if (looks) now--;
    return result;
  };
  t.is((await commitWorktree(repos, 'Work')).excluded.length, 20);
  t.is(changes.length, 1);
  t.true(at_once > 1 && at_once <= 8);
});

test('of a submodule that git reads in time at one push and not at the next, the same is said', async (t) => {
  const { clone, prepare, write } = await scene(t);
  const repos = clone();
  await prepare(repos);
  const { own } = repos;
  for (const path of ['one', 'two']) await plainGit(own.dir, 'init', '-q', path);
  await write(repos, '.gitmodules', '[submodule "1"]\n\tpath = one\n[submodule "2"]\n\tpath = two\n');
  const run = own.try.bind(own);
  const excluded = async (stderr: string) => {
    own.try = async (args, options) =>
      args.at(-1) === 'HEAD' && options?.env?.GIT_DIR !== undefined
        ? {
            code: stderr === '' ? null : 128,
            timed_out: stderr === '',
            stdout: Buffer.alloc(0),
            stderr,
            truncated: false,
          }
        : run(args, options);
    return (await commitWorktree(repos, 'Work')).excluded;
  };
  const texts = await excluded('');
  t.is(texts.length, 2);
  t.deepEqual(await excluded('fatal: this time it is another error'), texts);
});

test('a .gitmodules that names what is no submodule keeps nothing from being committed', async (t) => {
  const { clone, prepare, write, publish, names, task } = await scene(t);
  const repos = clone();
  await prepare(repos);
  const paths = ['.', '..', '../git', 'a.txt', '/', '.git', ':(top)'];
  await write(repos, '.gitmodules', paths.map((path, i) => `[submodule "${i}"]\n\tpath = ${path}\n`).join(''));
  await plainGit(repos.own.dir, 'init', '-q', 'nested');
  await write(repos, 'a.txt', 'a\n');
  t.deepEqual((await publish(repos)).excluded, ['nested/ is a repository of its own']);
  t.deepEqual(await names(task.branch), ['.gitmodules', 'README.md', 'a.txt']);
});
