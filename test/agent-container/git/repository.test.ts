import test, { type ExecutionContext } from 'ava';
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { commitIdentity } from '../../../agent-container/shell/command-env.ts';
import { diff, diffStat } from '../../../agent-container/git/diff.ts';
import { Git } from '../../../agent-container/git/git.ts';
import { push } from '../../../agent-container/git/push.ts';
import type { Remote } from '../../../agent-container/git/remote.ts';
import { prepareRepository } from '../../../agent-container/git/repository.ts';
import { wipMessage } from '../../../agent-container/git/wip-commit.ts';
import { commitWorktree, moveHeadTo } from '../../../agent-container/git/worktree-commit.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { newId } from '../../../protocol/ids.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { git as plainGit, GIT_ENVIRONMENT, startGitServer } from '../../support/git-server.ts';
import { until } from '../../support/until.ts';

const never = new AbortController().signal;

/** A repository on a real git server, and a task that works in it, without a coordinator between them. */
async function scene(t: ExecutionContext, files?: Record<string, string | Buffer>) {
  const folder = await temporaryFolder(t);
  const server = await startGitServer();
  t.teardown(() => server.close());
  const url = await server.createRepository('repo', files);
  const bare = join(server.root, 'repo');
  const task_id = newId();
  const task = {
    task_id,
    attempt: 1,
    base_branch: null as string | null,
    branch: `errand/${task_id}-x`,
    repo_url: url,
    author: { name: 'Errand', email: 'errand@localhost' },
  };
  const remote: Remote = { url, repo_url: url, takeGitFailure: () => null };
  const clone = (name = 'work') => {
    const env = { PATH: process.env.PATH ?? '', ...commitIdentity(task.author) };
    return new Git(join(folder, name), env, never);
  };
  const write = async (git: Git, path: string, content: string | Buffer) => {
    await mkdir(dirname(join(git.dir, path)), { recursive: true });
    await writeFile(join(git.dir, path), content);
  };
  /** Commits and pushes everything. */
  const publish = async (git: Git, message = 'Change') => {
    const { commit, excluded } = await commitWorktree(git, message);
    const branch = commit === null ? null : await push(git, remote, task, commit);
    return { commit: commit ?? '', excluded, branch };
  };
  /** Someone else commits to a branch. */
  const byAnother = async (branch: string, path: string) => {
    const dir = join(folder, `person-${branch.replaceAll('/', '-')}`);
    await plainGit(folder, 'clone', '-q', '--branch', branch, bare, dir);
    await writeFile(join(dir, path), 'by another\n');
    await plainGit(dir, 'add', '.');
    await plainGit(dir, 'commit', '-q', '-m', 'By another');
    await plainGit(dir, 'push', '-q', 'origin', branch);
  };
  const names = (branch: string) =>
    plainGit(bare, 'ls-tree', '-r', '--name-only', branch).then((out) => out.split('\n'));
  return { folder, server, bare, task, remote, clone, write, publish, byAnother, names };
}

test('a new clone is on the task branch, at the base', async (t) => {
  const { clone, remote, task, bare } = await scene(t);
  const git = clone();
  const prepared = await prepareRepository(git, remote, task);
  const main = await plainGit(bare, 'rev-parse', 'main');
  t.deepEqual(prepared, { base_branch: 'main', base_commit: main, commit: main, adopted: false });
  t.is(await git.run(['branch', '--show-current']), task.branch);
  t.is(await git.run(['status', '--porcelain']), '');
});

test('a base branch can be named', async (t) => {
  const { clone, remote, task, bare } = await scene(t);
  await plainGit(bare, 'branch', 'release/1.0', 'main');
  const prepared = await prepareRepository(clone(), remote, { ...task, base_branch: 'release/1.0' });
  t.is(prepared.base_branch, 'release/1.0');
});

test('the clone is shallow, and the agent can fetch the rest and the other branches', async (t) => {
  const { clone, remote, task, bare, folder } = await scene(t);
  const person = join(folder, 'person');
  await plainGit(folder, 'clone', '-q', bare, person);
  for (let i = 0; i < 60; i++) await plainGit(person, 'commit', '-q', '--allow-empty', '-m', String(i));
  await plainGit(person, 'push', '-q', 'origin', 'main', 'main:other');
  const git = clone();
  await prepareRepository(git, remote, task);
  t.is(await git.run(['rev-list', '--count', 'HEAD']), '50');
  await git.run(['fetch', '-q', '--unshallow']);
  t.is(await git.run(['rev-list', '--count', 'HEAD']), '61');
  t.not(await git.commit('origin/other'), null);
});

test('a shallow clone can be pushed from', async (t) => {
  const { clone, remote, task, bare, folder, write, publish, names } = await scene(t);
  const person = join(folder, 'person');
  await plainGit(folder, 'clone', '-q', bare, person);
  for (let i = 0; i < 60; i++) await plainGit(person, 'commit', '-q', '--allow-empty', '-m', String(i));
  await plainGit(person, 'push', '-q', 'origin', 'main');
  const git = clone();
  await prepareRepository(git, remote, task);
  await write(git, 'new.txt', 'new\n');
  await publish(git);
  t.deepEqual(await names(task.branch), ['README.md', 'new.txt']);
});

test('an empty repository gets its first commit', async (t) => {
  const { clone, server, task, write } = await scene(t);
  await plainGit(server.root, 'init', '-q', '--bare', 'empty');
  await plainGit(join(server.root, 'empty'), 'config', 'http.receivepack', 'true');
  const url = `${server.origin}/empty`;
  const remote: Remote = { url, repo_url: url, takeGitFailure: () => null };
  const git = clone();
  t.deepEqual(await prepareRepository(git, remote, task), {
    base_branch: 'main',
    base_commit: null,
    commit: null,
    adopted: false,
  });
  t.like(await commitWorktree(git, 'Nothing'), { commit: null, excluded: [] });
  await write(git, 'first.txt', 'one\ntwo\n');
  const { commit } = await commitWorktree(git, 'First');
  t.is(await push(git, remote, task, commit ?? ''), task.branch);
  t.deepEqual(await diffStat(git, null, commit ?? ''), { files: 1, insertions: 2, deletions: 0 });
  t.regex((await diff(git, null, commit ?? '')).diff, /\+one/);
  // The next attempt, in the same directory.
  t.like(await prepareRepository(git, remote, task), { adopted: true, base_commit: null });
  const again = clone('again');
  t.like(await prepareRepository(again, remote, task), {
    adopted: false,
    base_branch: 'main',
    base_commit: null,
    commit,
  });
});

test('a repository without a default branch needs the name of a base branch', async (t) => {
  const { clone, remote, task, bare } = await scene(t);
  await plainGit(bare, 'symbolic-ref', 'HEAD', 'refs/heads/gone');
  await t.throwsAsync(prepareRepository(clone(), remote, task), {
    message: 'The repository names no default branch: name the base branch.',
  });
  t.is((await prepareRepository(clone(), remote, { ...task, base_branch: 'main' })).base_branch, 'main');
});

test('files that a commit should not hold are left out, and named', async (t) => {
  const { clone, remote, task, write, publish, names, folder } = await scene(t);
  const git = clone();
  await prepareRepository(git, remote, task);
  await write(git, 'node_modules/a/index.js', 'x');
  await write(git, 'pkg/__pycache__/m.pyc', 'x');
  await write(git, 'huge.bin', Buffer.alloc(51 * 1024 * 1024));
  await plainGit(folder, 'init', '-q', join(git.dir, 'inner'));
  await write(git, 'inner/file', 'x');
  await plainGit(join(git.dir, 'inner'), 'add', '.');
  await plainGit(join(git.dir, 'inner'), 'commit', '-q', '-m', 'inner');
  await write(git, 'with space ünd [glob]*.txt', 'x');
  await symlink('/etc/passwd', join(git.dir, 'link'));
  const { excluded } = await publish(git);
  t.deepEqual(excluded, ['huge.bin is above 50 MiB', 'inner/ is a repository of its own']);
  t.is((await names(task.branch)).length, 3, 'the readme, the link and the unusual name');
});

test('committing the working tree changes neither HEAD, nor the index, nor files', async (t) => {
  const { clone, remote, task, write } = await scene(t, { 'a.txt': 'a\n', 'b.txt': 'b\n' });
  const git = clone();
  await prepareRepository(git, remote, task);
  await write(git, 'a.txt', 'staged\n');
  await git.run(['add', 'a.txt']);
  await write(git, 'b.txt', 'changed\n');
  await rm(join(git.dir, 'a.txt'));
  const before = await git.run(['status', '--porcelain=v2']);
  const { commit } = await commitWorktree(git, 'All');
  t.is(await git.run(['status', '--porcelain=v2']), before);
  t.is(await git.run(['ls-tree', '--name-only', commit ?? '']), 'b.txt');
  await moveHeadTo(git, commit ?? '');
  t.is(await git.run(['status', '--porcelain']), '');
});

test('a change of the same size in the second of the last git command is committed', async (t) => {
  const { clone, remote, task, write } = await scene(t, { 'a.txt': 'a\n' });
  const git = clone();
  await prepareRepository(git, remote, task);
  await write(git, 'a.txt', 'b\n');
  await git.run(['add', 'a.txt']);
  await write(git, 'a.txt', 'c\n');
  const second = Math.floor(Date.now() / 1000);
  await until('the second has passed', () => Date.now() >= (second + 1) * 1000);
  const { commit } = await commitWorktree(git, 'All');
  t.is(await git.run(['show', `${commit}:a.txt`]), 'c');
});

test('a merge with conflicts can be committed as it is', async (t) => {
  const { clone, remote, task, write } = await scene(t, { 'a.txt': 'a\n' });
  const git = clone();
  await prepareRepository(git, remote, task);
  await write(git, 'a.txt', 'one\n');
  await git.run(['commit', '-qam', 'One']);
  await git.run(['checkout', '-q', '-b', 'side', 'HEAD^']);
  await write(git, 'a.txt', 'two\n');
  await git.run(['commit', '-qam', 'Two']);
  t.not((await git.try(['merge', task.branch])).code, 0);
  const { commit } = await commitWorktree(git, 'Half');
  t.is((await git.run(['rev-list', '--parents', '-1', commit ?? ''])).split(' ').length, 3);
  t.regex(await git.run(['show', `${commit}:a.txt`]), /<<<<<<< HEAD/);
});

test('hooks of the repository do not run in the commits and pushes of the worker', async (t) => {
  const { clone, remote, task, write, publish, names } = await scene(t);
  const git = clone();
  await prepareRepository(git, remote, task);
  for (const hook of ['pre-commit', 'pre-push', 'reference-transaction'])
    await writeFile(join(git.dir, '.git/hooks', hook), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
  await write(git, 'a.txt', 'a\n');
  await publish(git);
  t.true((await names(task.branch)).includes('a.txt'));
});

test('a rewritten history replaces what the task itself has pushed', async (t) => {
  const { clone, remote, task, write, publish, bare } = await scene(t);
  const git = clone();
  await prepareRepository(git, remote, task);
  await write(git, 'a.txt', 'a\n');
  const first = await publish(git, 'A');
  await write(git, 'a.txt', 'b\n');
  const second = await publish(git, 'B');
  t.not(first.commit, second.commit);
  t.is(await plainGit(bare, 'log', '--format=%s', task.branch), 'B\nFirst');
});

test("what someone else pushed to the task's branch is not replaced: the work goes to another branch", async (t) => {
  const { clone, remote, task, write, publish, byAnother, bare } = await scene(t);
  const git = clone();
  await prepareRepository(git, remote, task);
  await write(git, 'a.txt', 'a\n');
  await publish(git, 'A');
  await byAnother(task.branch, 'theirs.txt');
  await write(git, 'a.txt', 'b\n');
  t.is((await publish(git, 'B')).branch, `${task.branch}-1`);
  t.is(await plainGit(bare, 'log', '-1', '--format=%s', task.branch), 'By another');
  await write(git, 'a.txt', 'c\n');
  t.is((await publish(git, 'C')).branch, `${task.branch}-1`);
  t.is(await plainGit(bare, 'log', '-1', '--format=%s', `${task.branch}-1`), 'C');
});

test('a push whose response was lost is repeated without harm', async (t) => {
  const { clone, remote, task, write, publish, server, bare } = await scene(t);
  const git = clone();
  await prepareRepository(git, remote, task);
  await write(git, 'a.txt', 'a\n');
  const { commit } = await commitWorktree(git, 'A');
  // The branch is there, but this repository does not know that it pushed it.
  await plainGit(git.dir, 'push', '-q', bare, `${commit}:refs/heads/${task.branch}`);
  t.is(await push(git, remote, task, commit ?? ''), task.branch);
  t.true(server.requests.length > 0);
  t.is((await publish(git, 'A')).branch, task.branch);
});

test('a lost workspace is cloned again from the branch, with the work in progress as uncommitted changes', async (t) => {
  const { clone, remote, task, write, publish, bare } = await scene(t);
  const git = clone();
  await prepareRepository(git, remote, task);
  await write(git, 'done.txt', 'done\n');
  await git.run(['add', '.']);
  await git.run(['commit', '-q', '-m', 'Done']);
  await write(git, 'half.txt', 'half\n');
  await publish(git, wipMessage('Do it'));
  const again = clone('again');
  const prepared = await prepareRepository(again, remote, task);
  t.is(prepared.base_commit, await plainGit(bare, 'rev-parse', 'main'));
  t.is(await again.run(['log', '--format=%s']), 'Done\nFirst');
  t.is(await again.run(['status', '--porcelain']), '?? half.txt');
  await publish(again, 'All');
  t.is(await plainGit(bare, 'log', '--format=%s', task.branch), 'All\nDone\nFirst');
});

test('a workspace is adopted with its changes, and the locks of a killed git are removed', async (t) => {
  const { clone, remote, task, write } = await scene(t);
  const git = clone();
  const first = await prepareRepository(git, remote, task);
  await write(git, 'half.txt', 'half\n');
  await writeFile(join(git.dir, '.git/index.lock'), '');
  await writeFile(join(git.dir, '.git/refs/heads/errand/x.lock'), '').catch(() => {});
  t.deepEqual(await prepareRepository(git, remote, task), { ...first, adopted: true });
  t.is(await readFile(join(git.dir, 'half.txt'), 'utf8'), 'half\n');
  await git.run(['add', '.']);
});

test('an incomplete clone, or one of another task, is made again', async (t) => {
  const { clone, remote, task, write } = await scene(t);
  const git = clone();
  await mkdir(git.dir, { recursive: true });
  await plainGit(git.dir, 'init', '-q');
  await write(git, 'litter', 'x');
  t.false((await prepareRepository(git, remote, task)).adopted);
  t.is(await git.run(['status', '--porcelain']), '');
  const other = { ...task, task_id: newId() };
  t.false((await prepareRepository(git, remote, other)).adopted);
});

test('the next attempt takes over what someone added to the branch', async (t) => {
  const { clone, remote, task, write, publish, byAnother } = await scene(t);
  const git = clone();
  await prepareRepository(git, remote, task);
  await write(git, 'a.txt', 'a\n');
  const { commit } = await publish(git, 'A');
  await moveHeadTo(git, commit);
  await byAnother(task.branch, 'theirs.txt');
  await prepareRepository(git, remote, task);
  t.is(await git.run(['log', '-1', '--format=%s']), 'By another');
  await write(git, 'a.txt', 'b\n');
  t.is((await publish(git, 'B')).branch, task.branch);
});

test('a diff that is too long is cut at the end of a line, and marked as truncated', async (t) => {
  const { clone, remote, task, write } = await scene(t);
  const git = clone();
  const { base_commit } = await prepareRepository(git, remote, task);
  await write(git, 'long.txt', 'a line of text\n'.repeat(300_000));
  const { commit } = await commitWorktree(git, 'Long');
  const cut = await diff(git, base_commit, commit ?? '');
  t.true(cut.diff_truncated);
  t.true(Buffer.byteLength(cut.diff) <= LIMITS.diff_bytes_max);
  t.true(cut.diff.endsWith('+a line of text\n'));
  t.deepEqual(await diffStat(git, base_commit, commit ?? ''), { files: 1, insertions: 300_000, deletions: 0 });
});

test('a diff of bytes that are not UTF-8 stays within its limit', async (t) => {
  const { clone, remote, task, write } = await scene(t);
  const git = clone();
  const { base_commit } = await prepareRepository(git, remote, task);
  await write(git, 'latin.txt', Buffer.from(`${'é'.repeat(60)}\n`.repeat(30_000), 'latin1'));
  await write(git, '.gitattributes', '*.txt diff\n');
  const { commit } = await commitWorktree(git, 'Latin');
  const cut = await diff(git, base_commit, commit ?? '');
  t.true(Buffer.byteLength(cut.diff) <= LIMITS.diff_bytes_max);
  t.true(cut.diff_truncated);
});

test('git ends at once on an abort', async (t) => {
  const { clone, remote, task, server } = await scene(t);
  server.intercept = () => true;
  const stop = new AbortController();
  const git = new Git(clone().dir, { PATH: GIT_ENVIRONMENT.PATH ?? '' }, stop.signal);
  const preparing = prepareRepository(git, remote, task);
  setTimeout(() => stop.abort(new Error('stop')), 100);
  await t.throwsAsync(preparing, { message: 'stop' });
});
