import test from 'ava';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { push } from '../../../agent-container/git/push.ts';
import { moveHeadTo } from '../../../agent-container/git/agent-repository.ts';
import { repositories } from '../../../agent-container/git/repositories.ts';
import { wipMessage } from '../../../agent-container/git/wip-commit.ts';
import { commitWorktree } from '../../../agent-container/git/worktree-commit.ts';
import { git as plainGit } from '../../support/git-server.ts';
import { setRepositoryScene as scene } from '../../support/repository-scene.ts';
import { until } from '../../support/until.ts';

test('a shallow clone can be pushed from', async (t) => {
  const { clone, prepare, task, bare, folder, write, publish, names } = await scene(t);
  const person = join(folder, 'person');
  await plainGit(folder, 'clone', '-q', bare, person);
  for (let i = 0; i < 60; i++) await plainGit(person, 'commit', '-q', '--allow-empty', '-m', String(i));
  await plainGit(person, 'push', '-q', 'origin', 'main');
  const git = clone();
  await prepare(git);
  await write(git, 'new.txt', 'new\n');
  await publish(git);
  t.deepEqual(await names(task.branch), ['README.md', 'new.txt']);
});

test('hooks of the repository do not run in the commits and pushes of the worker', async (t) => {
  const { clone, prepare, task, write, publish, names } = await scene(t);
  const git = clone();
  await prepare(git);
  for (const hook of ['pre-commit', 'pre-push', 'reference-transaction'])
    await writeFile(join(git.agents.dir, '.git/hooks', hook), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
  await write(git, 'a.txt', 'a\n');
  await publish(git);
  t.true((await names(task.branch)).includes('a.txt'));
});

test('a rewritten history replaces what the task itself has pushed', async (t) => {
  const { clone, prepare, task, write, publish, bare } = await scene(t);
  const git = clone();
  await prepare(git);
  await write(git, 'a.txt', 'a\n');
  const first = await publish(git, 'A');
  await write(git, 'a.txt', 'b\n');
  const second = await publish(git, 'B');
  t.not(first.commit, second.commit);
  t.is(await plainGit(bare, 'log', '--format=%s', task.branch), 'B\nFirst');
});

test('what someone else pushed onto work in progress is not replaced: the work goes to another branch', async (t) => {
  const { clone, prepare, task, write, publish, byAnother, bare } = await scene(t);
  const git = clone();
  await prepare(git);
  await write(git, 'a.txt', 'a\n');
  await publish(git, wipMessage('A'));
  await byAnother(task.branch, 'theirs.txt');
  await write(git, 'a.txt', 'b\n');
  t.is((await publish(git, 'B')).branch, `${task.branch}-1`);
  t.is(await plainGit(bare, 'log', '-1', '--format=%s', task.branch), 'By another');
  await write(git, 'a.txt', 'c\n');
  t.is((await publish(git, 'C')).branch, `${task.branch}-1`);
  t.is(await plainGit(bare, 'log', '-1', '--format=%s', `${task.branch}-1`), 'C');
});

test('finished work stays on the branch of the finished work before it: what others pushed there is merged', async (t) => {
  const { clone, prepare, task, write, publish, byAnother, bare, folder } = await scene(t);
  const git = clone();
  await prepare(git);
  await write(git, 'a.txt', 'a\n');
  const first = await publish(git, 'A');
  await moveHeadTo(git, first.commit);
  const merge = new RegExp(`git fetch origin ${task.branch} && git merge FETCH_HEAD`);
  const person = join(folder, 'rebasing');
  const rebase = async () => {
    await byAnother('main', 'base.txt');
    await plainGit(folder, 'clone', '-q', '--branch', task.branch, bare, person);
    await plainGit(person, 'rebase', '-q', 'origin/main');
    await plainGit(person, 'push', '-q', '--force', 'origin', task.branch);
  };
  for (const [text, change, take] of [
    ['b\n', () => byAnother(task.branch, 'theirs.txt'), ['merge', '--no-edit']],
    ['c\n', rebase, ['rebase']],
  ] as const) {
    await change();
    const theirs = await plainGit(bare, 'rev-parse', task.branch);
    await write(git, 'a.txt', text);
    await t.throwsAsync(publish(git, 'B'), { message: merge });
    t.is(await plainGit(bare, 'rev-parse', task.branch), theirs);
    await git.agents.run(['commit', '-q', '-a', '-m', 'Mine']);
    await git.agents.run(['fetch', '-q', 'origin', task.branch]);
    await git.agents.run([...take, '-q', 'FETCH_HEAD']);
    t.is((await publish(git, 'B')).branch, task.branch);
    await plainGit(bare, 'merge-base', '--is-ancestor', theirs, task.branch);
  }
  t.deepEqual((await plainGit(bare, 'for-each-ref', '--format=%(refname:short)')).split('\n'), [task.branch, 'main']);
});

test('work in progress after finished work stays on its branch too, and what others pushed there is merged', async (t) => {
  const { clone, prepare, task, write, publish, byAnother, bare } = await scene(t);
  const git = clone();
  await prepare(git);
  await write(git, 'a.txt', 'a\n');
  await moveHeadTo(git, (await publish(git, 'A')).commit);
  await write(git, 'a.txt', 'b\n');
  t.is((await publish(git, wipMessage('A'))).branch, task.branch);
  await byAnother(task.branch, 'theirs.txt');
  const theirs = await plainGit(bare, 'rev-parse', task.branch);
  await write(git, 'a.txt', 'c\n');
  await t.throwsAsync(publish(git, wipMessage('A')), { message: /Somebody has pushed to errand.+This work is kept/ });
  await t.throwsAsync(publish(git, 'B'), { message: /git merge FETCH_HEAD/ });
  t.is(await plainGit(bare, 'for-each-ref', '--format=%(objectname)', 'refs/heads/errand'), theirs);
});

test('a push whose response was lost is repeated without harm', async (t) => {
  const { clone, remote, prepare, task, write, publish, server, bare } = await scene(t);
  const git = clone();
  await prepare(git);
  await write(git, 'a.txt', 'a\n');
  const { commit } = await commitWorktree(git, 'A');
  // The branch is there, but this repository does not know that it pushed it.
  await plainGit(git.own.git_dir, 'push', '-q', bare, `${commit}:refs/heads/${task.branch}`);
  t.is(
    (await push(git.own, remote, task.branch, { commit: commit ?? '', is_exact: false, wip: false, base_commit: null }))
      .branch,
    task.branch,
  );
  t.true(server.requests.length > 0);
  t.is((await publish(git, 'A')).branch, task.branch);
});

for (const who of ['the same attempt', 'the next one'])
  test(`a push that was ended after the remote took it is gone on from by ${who}`, async (t) => {
    const { clone, prepare, task, write, publish, bare, folder } = await scene(t);
    const [taken, go] = [join(folder, 'taken'), join(folder, 'go')];
    const git = clone();
    const { workspace, base_commit } = await prepare(git);
    await write(git, 'a.txt', 'a\n');
    const hook = `#!/bin/sh\n: > ${taken}\nwhile [ ! -e ${go} ]; do sleep 0.02; done\n`;
    await writeFile(join(bare, 'hooks/post-receive'), hook, { mode: 0o755 });
    const stop = new AbortController();
    const env = { PATH: process.env.PATH ?? '', GIT_COMMITTER_NAME: 'a', GIT_COMMITTER_EMAIL: 'a@b', ...AUTHOR };
    const pushing = publish(repositories(join(folder, 'work'), env, stop.signal), 'First try');
    await until('the remote has taken the push', () => existsSync(taken));
    stop.abort(new Error('It is cancelled.'));
    await t.throwsAsync(pushing, { message: 'It is cancelled.' });
    await writeFile(go, '');
    if (who === 'the next one') await prepare(git, { turn: 0, workspace, base_commit });
    await write(git, 'a.txt', 'b\n');
    t.is((await publish(git, 'Second try')).branch, task.branch);
    t.is(await plainGit(bare, 'log', '--format=%s', task.branch), 'Second try\nFirst');
  });

const AUTHOR = { GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a@b' };
