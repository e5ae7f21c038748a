import test from 'ava';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { AttemptFailure } from '../../../agent-container/base/failure.ts';
import { diff, diffStat } from '../../../agent-container/git/diff.ts';
import { repositories, type Repositories } from '../../../agent-container/git/repositories.ts';
import { push } from '../../../agent-container/git/push.ts';
import type { Remote } from '../../../agent-container/git/remote.ts';
import { prepareRepository } from '../../../agent-container/git/repository.ts';
import { wipMessage } from '../../../agent-container/git/wip-commit.ts';
import { moveHeadTo } from '../../../agent-container/git/agent-repository.ts';
import { commitWorktree } from '../../../agent-container/git/worktree-commit.ts';
import { newId } from '../../../protocol/ids.ts';
import { diskTest, fillDisk, mountDisk } from '../../support/disk.ts';
import { GIT_ENVIRONMENT } from '../../support/git-environment.ts';
import { git as plainGit } from '../../support/git-server.ts';
import { NOTHING_EXPECTED, setRepositoryScene as scene } from '../../support/repository-scene.ts';

test('a new clone is on the task branch, at the base', async (t) => {
  const { clone, prepare, task, bare } = await scene(t);
  const git = clone();
  const prepared = await prepare(git);
  const main = await plainGit(bare, 'rev-parse', 'main');
  t.like(prepared, { base_branch: 'main', base_commit: main, commit: main });
  t.is(await git.agents.run(['branch', '--show-current']), task.branch);
  t.is(await git.agents.run(['status', '--porcelain']), '');
});

test("the agent's git has the author as the task names it, whatever characters that has", async (t) => {
  const { clone, prepare, task } = await scene(t);
  const author = { name: `A "q' \\" # ; = [x] \\n é\t${'z'.repeat(200)}`, email: 'a+"b"\\@example.org' };
  const git = clone();
  await prepare(git, NOTHING_EXPECTED, { ...task, author });
  t.is(await git.agents.run(['config', 'user.name']), author.name);
  t.is(await git.agents.run(['config', 'user.email']), author.email);
  t.is(await git.agents.run(['config', 'errand.task']), task.task_id);
});

test('the next attempt has the author as the task names it then', async (t) => {
  const { clone, prepare, task } = await scene(t);
  const git = clone();
  const { workspace, base_commit } = await prepare(git);
  const author = { name: 'Ann "A" New', email: 'new@example.org' };
  await prepare(git, { turn: 0, workspace, base_commit }, { ...task, author });
  t.is(await git.agents.run(['config', 'user.name']), author.name);
  t.is(await git.agents.run(['config', 'user.email']), author.email);
});

test('the next attempt has the author that a command has set in the clone', async (t) => {
  const { clone, prepare, task } = await scene(t);
  const git = clone();
  const { workspace, base_commit } = await prepare(git);
  await git.agents.run(['config', 'user.name', 'Bot']);
  await prepare(
    git,
    { turn: 0, workspace, base_commit },
    { ...task, author: { name: 'New', email: 'new@example.org' } },
  );
  t.is(await git.agents.run(['config', 'user.name']), 'Bot');
  t.is(await git.agents.run(['config', 'user.email']), 'new@example.org');
});

test('a base branch can be named', async (t) => {
  const { clone, prepare, task, bare } = await scene(t);
  await plainGit(bare, 'branch', 'release/1.0', 'main');
  const prepared = await prepare(clone(), NOTHING_EXPECTED, { ...task, base_branch: 'release/1.0' });
  t.is(prepared.base_branch, 'release/1.0');
});

test('the clone is shallow, and the agent can fetch the rest and the other branches', async (t) => {
  const { clone, prepare, bare, folder } = await scene(t);
  const person = join(folder, 'person');
  await plainGit(folder, 'clone', '-q', bare, person);
  for (let i = 0; i < 60; i++) await plainGit(person, 'commit', '-q', '--allow-empty', '-m', String(i));
  await plainGit(person, 'push', '-q', 'origin', 'main', 'main:other');
  const git = clone();
  await prepare(git);
  t.is(await git.agents.run(['rev-list', '--count', 'HEAD']), '50');
  await git.agents.run(['fetch', '-q', '--unshallow']);
  t.is(await git.agents.run(['rev-list', '--count', 'HEAD']), '61');
  t.not(await git.agents.commit('origin/other'), null);
});

test('an empty repository gets its first commit', async (t) => {
  const { clone, server, task, write, found_dir } = await scene(t);
  const prepare = (repos: Repositories) => prepareRepository({ repos, remote, task, found_dir }, NOTHING_EXPECTED);
  await plainGit(server.root, 'init', '-q', '--bare', 'empty');
  await plainGit(join(server.root, 'empty'), 'config', 'http.receivepack', 'true');
  const url = `${server.origin}/empty`;
  const remote: Remote = { url, repo_url: url, origin: url, takeGitFailure: () => null };
  const git = clone();
  const prepared = await prepare(git);
  t.like(prepared, { base_branch: 'main', base_commit: null, commit: null });
  t.like(await commitWorktree(git, 'Nothing'), { commit: null, excluded: [] });
  await write(git, 'first.txt', 'one\ntwo\n');
  const { commit } = await commitWorktree(git, 'First');
  t.is(
    (await push(git.own, remote, task.branch, { commit: commit ?? '', is_exact: false, wip: false, base_commit: null }))
      .branch,
    task.branch,
  );
  t.deepEqual(await diffStat(git.own, null, commit ?? ''), { files: 1, insertions: 2, deletions: 0 });
  t.regex((await diff(git.own, null, commit ?? '')).diff, /\+one/);
  // The next attempt, in the same directory.
  t.like(await prepare(git), { workspace: prepared.workspace, base_commit: null });
  const again = clone('again');
  t.like(await prepare(again), { base_branch: 'main', base_commit: null, commit });
});

test('a repository without a default branch needs the name of a base branch', async (t) => {
  const { clone, prepare, task, bare } = await scene(t);
  await plainGit(bare, 'symbolic-ref', 'HEAD', 'refs/heads/gone');
  await t.throwsAsync(prepare(clone()), {
    message: 'The repository names no default branch: name the base branch.',
  });
  t.is((await prepare(clone(), NOTHING_EXPECTED, { ...task, base_branch: 'main' })).base_branch, 'main');
});

test('a lost workspace is cloned again from the branch, with the work in progress as uncommitted changes', async (t) => {
  const { clone, prepare, task, write, publish, bare } = await scene(t);
  const git = clone();
  await prepare(git);
  await write(git, 'done.txt', 'done\n');
  await git.agents.run(['add', '.']);
  await git.agents.run(['commit', '-q', '-m', 'Done']);
  await write(git, 'half.txt', 'half\n');
  await publish(git, wipMessage('Do it'));
  const again = clone('again');
  const prepared = await prepare(again);
  t.is(prepared.base_commit, await plainGit(bare, 'rev-parse', 'main'));
  t.is(await again.agents.run(['log', '--format=%s']), 'Done\nFirst');
  t.is(await again.agents.run(['status', '--porcelain']), '?? half.txt');
  await publish(again, 'All');
  t.is(await plainGit(bare, 'log', '--format=%s', task.branch), 'All\nDone\nFirst');
});

test('where the base has moved on far, a new clone gets as much of the history as it needs, and not all', async (t) => {
  const { clone, prepare, write, publish, bare } = await scene(t);
  /** Adds commits to `main`. */
  const grow = async (count: number) => {
    const tree = await plainGit(bare, 'rev-parse', 'main^{tree}');
    const lines = Array.from({ length: count }, (_, i) => [
      'commit refs/heads/main',
      `committer A <a@b> ${1_700_000_000 + i} +0000`,
      `data ${String(i).length}\n${i}`,
      ...(i === 0 ? ['from refs/heads/main^0'] : []),
      `M 040000 ${tree} \n`,
    ]);
    const importing = promisify(execFile)('git', ['fast-import', '--quiet'], { cwd: bare, env: GIT_ENVIRONMENT });
    importing.child.stdin?.end(lines.flat().join('\n'));
    await importing;
  };
  await grow(2_000);
  const first = clone();
  const { base_commit } = await prepare(first);
  await write(first, 'a.txt', 'a\n');
  await publish(first, 'A');
  await grow(100);
  const again = clone('again');
  t.is((await prepare(again)).base_commit, base_commit);
  t.true(Number(await again.own.run(['rev-list', '--count', '--all'])) < 1_500);
});

test('a workspace is adopted with its changes, and the locks of a killed git are removed', async (t) => {
  const { clone, prepare, write } = await scene(t);
  const git = clone();
  const first = await prepare(git);
  await write(git, 'half.txt', 'half\n');
  await writeFile(join(git.agents.dir, '.git/index.lock'), '');
  await writeFile(join(git.agents.dir, '.git/refs/heads/errand/x.lock'), '').catch(() => {});
  t.deepEqual(await prepare(git), first);
  t.is(await readFile(join(git.agents.dir, 'half.txt'), 'utf8'), 'half\n');
  await git.agents.run(['add', '.']);
});

test('an incomplete clone, or one of another task, is made again', async (t) => {
  const { clone, prepare, task, write } = await scene(t);
  const git = clone();
  await mkdir(git.agents.dir, { recursive: true });
  await plainGit(git.agents.dir, 'init', '-q');
  await write(git, 'litter', 'x');
  const { workspace } = await prepare(git);
  t.is(await git.agents.run(['status', '--porcelain']), '');
  const other = { ...task, task_id: newId() };
  t.not((await prepare(git, NOTHING_EXPECTED, other)).workspace, workspace);
});

test('the next attempt takes over what someone added to the branch, and the model is told', async (t) => {
  const { clone, prepare, task, write, publish, byAnother, bare } = await scene(t);
  const git = clone();
  await prepare(git);
  await write(git, 'a.txt', 'a\n');
  const { commit } = await publish(git, 'A');
  await moveHeadTo(git, commit);
  await byAnother(task.branch, 'theirs.txt');
  const { note } = await prepare(git);
  t.is(await git.agents.run(['log', '-1', '--format=%s']), 'By another');
  const theirs = await plainGit(bare, 'rev-parse', task.branch);
  t.regex(note ?? '', new RegExp(`git log -p ${commit.slice(0, 12)}\\.\\.${theirs.slice(0, 12)}$`));
  t.is((await prepare(git)).note, null, 'once');
  await write(git, 'a.txt', 'b\n');
  t.is((await publish(git, 'B')).branch, task.branch);
});

test('what someone has put in place of the branch is not in the files, and the model is told to merge it', async (t) => {
  const { clone, prepare, task, write, publish, byAnother, bare } = await scene(t);
  const git = clone();
  await prepare(git);
  await write(git, 'a.txt', 'a\n');
  const { commit } = await publish(git, 'A');
  await moveHeadTo(git, commit);
  await plainGit(bare, 'update-ref', `refs/heads/${task.branch}`, 'main');
  await byAnother(task.branch, 'theirs.txt');
  for (const attempt of [1, 2]) {
    const { note } = await prepare(git);
    t.regex(note ?? '', new RegExp(`git fetch origin ${task.branch} && git merge FETCH_HEAD`), String(attempt));
  }
  await git.agents.run(['fetch', '-q', 'origin', task.branch]);
  await git.agents.run(['merge', '-q', '--no-edit', 'FETCH_HEAD']);
  t.is((await prepare(git)).note, null);
  t.is((await publish(git, 'B')).branch, task.branch);
});

test('git ends at once on an abort', async (t) => {
  const { folder, prepare, server } = await scene(t);
  server.intercept = () => true;
  const stop = new AbortController();
  const git = repositories(folder, { PATH: GIT_ENVIRONMENT.PATH ?? '' }, stop.signal);
  const preparing = prepare(git);
  setTimeout(() => stop.abort(new Error('stop')), 100);
  await t.throwsAsync(preparing, { message: 'stop' });
});

diskTest(
  'a repository that does not fit on the disk is not fetched again and again, and the disk is named',
  async (t) => {
    const { clone, prepare, folder, server } = await scene(t, { big: randomBytes(6 * 1024 * 1024) });
    mountDisk(t, join(folder, 'work'), 4);
    const error = await t.throwsAsync(prepare(clone()), { instanceOf: AttemptFailure });
    t.is(error.reason, 'disk_full');
    t.regex(error.message, /No space left on device/);
    t.is(server.requests.filter(({ method }) => method === 'POST').length, 1);
  },
);

diskTest('work that a full disk keeps from being committed ends with that, and nothing is made anew', async (t) => {
  const { clone, prepare, folder, write } = await scene(t, { 'README.md': 'one\n' });
  const disk = mountDisk(t, join(folder, 'work'), 4);
  const repos = clone();
  await prepare(repos);
  await write(repos, 'README.md', 'two\n');
  await write(repos, 'new', randomBytes(1024 * 1024));
  // No room at all, and room for the index but not for the file.
  for (const bytes of [0, 256 * 1024]) {
    const spare = join(disk, 'spare');
    await writeFile(spare, Buffer.alloc(bytes, 1));
    const free = fillDisk(disk);
    await rm(spare);
    const error = await t.throwsAsync(commitWorktree(repos, 'Work'), { instanceOf: AttemptFailure });
    t.is(error.reason, 'disk_full');
    free();
  }
  t.not((await commitWorktree(repos, 'Work')).commit, null);
});
