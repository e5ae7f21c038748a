import test, { type ExecutionContext } from 'ava';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { workBeside } from '../../../agent-container/git/work-beside.ts';
import { commitWorktree } from '../../../agent-container/git/worktree-commit.ts';
import { git } from '../../support/git-server.ts';
import { setRepositoryScene } from '../../support/repository-scene.ts';
import { until } from '../../support/until.ts';

/** A clone, and what is beside the work in it. `began_ms` is when the work began. */
async function scene(t: ExecutionContext) {
  const files = { 'a.py': 'a = 1\n', 'b.py': 'b = 1\n' };
  const { folder, task, clone, prepare, publish, byAnother } = await setRepositoryScene(t, files);
  const repos = clone();
  const { base_commit } = await prepare(repos);
  const { dir } = repos.own;
  const run = (...args: string[]) => git(dir, ...args);
  const write = (path: string, text: string) => writeFile(join(dir, path), text);
  const beside = async (began_ms = 0) =>
    workBeside(repos, { ...(await commitWorktree(repos, 'Work')), base_commit, began_ms });
  const push = async () => {
    await publish(repos);
    await run('fetch', '-q', 'origin', `${task.branch}:refs/remotes/origin/${task.branch}`);
  };
  return { folder, dir, run, write, beside, byAnother, push };
}

test('stashed work is named until it is back or dropped, untracked files too', async (t) => {
  const { dir, run, write, beside } = await scene(t);
  await write('a.py', 'a = 2\n');
  await write('new.py', 'new\n');
  await run('stash', '-q', '-u');
  const [text, ...others] = await beside();
  t.is(
    text,
    'what stash@{0} has of a.py, new.py: git stash drop removes it if the work has that already, git stash pop brings it back',
  );
  t.deepEqual(others, []);
  await run('stash', 'apply', '-q');
  t.deepEqual(await beside(), [], 'the files are back');
  await rename(join(dir, 'a.py'), join(dir, 'z.py'));
  t.deepEqual(await beside(), [], 'under another name');
  await write('a.py', 'a = 3\n');
  t.regex((await beside())[0] ?? '', /stash@\{0\} has of a\.py:/);
  await run('stash', 'drop', '-q');
  t.deepEqual(await beside(), []);
});

test('commits on another branch or in another worktree are named until the work has what they change', async (t) => {
  const { folder, run, write, beside } = await scene(t);
  await run('switch', '-q', '-c', 'fix');
  await write('a.py', 'a = 2\n');
  await run('commit', '-q', '-am', 'Fix');
  await run('rm', '-q', 'b.py');
  await run('commit', '-q', '-m', 'Remove');
  await run('switch', '-q', '-');
  const text = 'what the branch fix has of a.py, b.py: merge it, or delete the branch if the work has that already';
  t.deepEqual(await beside(), [text]);
  const other = join(folder, 'other\nworktree');
  await run('worktree', 'add', '-q', '--detach', other);
  t.deepEqual(await beside(), [text], 'it has no commit of its own');
  await writeFile(join(other, 'a.py'), 'a = 3\n');
  await git(other, 'commit', '-q', '-am', 'Other');
  const [, second = ''] = await beside();
  t.regex(
    second,
    /^what the worktree .+\/other.+worktree has of a\.py: merge its HEAD, or remove the worktree if the work has that already$/,
  );
  await run('merge', '-q', '--squash', 'fix');
  t.deepEqual(await beside(), [second], 'all of the branch is in the work, although its commits are not');
  await run('commit', '-q', '-m', 'Merge');
  await write('a.py', 'a = 4\n');
  t.deepEqual(await beside(), [second], 'a commit of the work has it, and the work went on');
});

test('what a commit of the work has is not missing once that is on the remote, and the work goes on', async (t) => {
  const { run, write, beside, push } = await scene(t);
  await run('switch', '-q', '-c', 'fix');
  await write('a.py', 'a = 2\n');
  await run('rm', '-q', 'b.py');
  await run('commit', '-q', '-am', 'Fix');
  await run('switch', '-q', '-');
  await run('merge', '-q', '--squash', 'fix');
  await run('commit', '-q', '-m', 'Merge');
  await push();
  await write('a.py', 'a = 3\n');
  await write('b.py', 'b = 3\n');
  t.deepEqual(await beside(), []);
});

test('what another worktree has and never committed is named until the work has it', async (t) => {
  const { folder, run, write, beside } = await scene(t);
  const other = join(folder, 'other');
  await run('worktree', 'add', '-q', '-b', 'fix', other);
  t.deepEqual(await beside(), []);
  await writeFile(join(other, 'a.py'), 'a = 2\n');
  await writeFile(join(other, 'new.py'), 'new\n');
  await writeFile(join(other, '.gitignore'), 'out\n');
  await writeFile(join(other, 'out'), '');
  const text = (names: string) =>
    `what the worktree ${other} (not committed) has of ${names}: remove the worktree if nothing of that belongs to the work, else commit and merge what does`;
  t.deepEqual(await beside(), [text('.gitignore, a.py, new.py')]);
  await write('a.py', 'a = 2\n');
  await write('new.py', 'newer\n');
  await write('.gitignore', 'out\n');
  t.deepEqual(await beside(), [text('new.py')]);
  const begun = Date.now() + 1000;
  await until('the files are older', () => Date.now() >= begun);
  t.deepEqual(await beside(begun), [], 'it is older than the work');
  await run('worktree', 'remove', '--force', other);
  t.deepEqual(await beside(), []);
});

test('a commit on no branch that was left by a checkout is named, and none that was taken back', async (t) => {
  const { run, write, beside } = await scene(t);
  await run('switch', '-q', '--detach');
  for (const text of ['a = 2\n', 'a = 3\n']) {
    await write('a.py', text);
    await run('commit', '-q', '-am', 'Alone');
  }
  await run('commit', '-q', '--amend', '-m', 'Amended');
  const left = await run('rev-parse', 'HEAD');
  await run('switch', '-q', '-');
  await write('b.py', 'b = 2\n');
  await run('commit', '-q', '-am', 'Taken back');
  await run('reset', '-q', '--hard', 'HEAD~1');
  t.deepEqual(await beside(), [
    `what the commit ${left.slice(0, 12)}, which no branch has, has of a.py: merge it, unless the work has that already`,
  ]);
  await run('branch', 'kept', left);
  t.regex((await beside()).join('\n'), /^what the branch kept has of a\.py: .+$/);
  await run('merge', '-q', 'kept');
  t.deepEqual(await beside(), []);
});

test('a commit on no branch is named, and not what others pushed meanwhile', async (t) => {
  const { run, write, beside, byAnother } = await scene(t);
  await run('switch', '-q', '--detach');
  await write('a.py', 'a = 2\n');
  await run('commit', '-q', '-am', 'Alone');
  const left = await run('rev-parse', 'HEAD');
  await run('switch', '-q', '-');
  const committed_s = Number(await run('log', '-1', '--format=%ct', left));
  await until('a commit is newer by its time', () => Date.now() >= (committed_s + 1) * 1000);
  await byAnother('main', 'c.py');
  await run('fetch', '-q', 'origin', '+main:refs/remotes/origin/main');
  t.deepEqual(await beside(), [
    `what the commit ${left.slice(0, 12)}, which no branch has, has of a.py: merge it, unless the work has that already`,
  ]);
});

test('what is older than the work, or comes from the remote, is not missing', async (t) => {
  const { run, write, beside, byAnother } = await scene(t);
  await write('a.py', 'a = 2\n');
  await run('stash', '-q');
  await run('switch', '-q', '-c', 'old');
  await run('commit', '-q', '--allow-empty', '-m', 'Old');
  await write('b.py', 'b = 2\n');
  await run('commit', '-q', '-am', 'Older');
  await run('switch', '-q', '-');
  await byAnother('main', 'c.py');
  await run('fetch', '-q', 'origin', 'main:theirs', '+main:refs/remotes/origin/main');
  t.is((await beside()).length, 2);
  const begun = Math.floor(Date.now() / 1000) + 1;
  await until('the second of the commits has passed', () => Date.now() >= begun * 1000);
  t.deepEqual(await beside(Date.now()), []);
  await run('switch', '-q', 'old');
  await write('b.py', 'b = 3\n');
  await run('commit', '-q', '-am', 'Newer');
  await run('switch', '-q', '-');
  t.regex((await beside(begun * 1000))[0] ?? '', /the branch old has of b\.py:/);
});

test('what is in no commit is named, whatever the number of newer branches', async (t) => {
  const { folder, run, write, beside } = await scene(t);
  await write('a.py', 'a = 2\n');
  await run('stash', '-q');
  const other = join(folder, 'other');
  await run('worktree', 'add', '-q', '--detach', other);
  await writeFile(join(other, 'new.py'), 'new\n');
  const stashed = Math.floor(Date.now() / 1000);
  await until('the branches are newer', () => Math.floor(Date.now() / 1000) > stashed);
  await write('b.py', 'b = 2\n');
  await run('commit', '-q', '-am', 'On many branches');
  for (let n = 0; n < 21; n++) await run('branch', `b${n}`);
  await run('reset', '-q', '--hard', 'HEAD~1');
  const texts = await beside();
  t.is(texts.length, 20);
  t.regex(texts[0] ?? '', /stash@\{0\} has of a\.py:/);
  t.regex(texts[1] ?? '', /other \(not committed\) has of new\.py:/);
});

test('a few of many places are named, and none while a rebase is not finished', async (t) => {
  const { run, write, beside } = await scene(t);
  for (let n = 0; n < 25; n++) {
    await write('a.py', `a = ${n + 2}\n`);
    await run('stash', '-q');
  }
  t.is((await beside()).length, 20);
  await run('stash', 'clear');
  await write('a.py', 'a = 2\n');
  await run('commit', '-q', '-am', 'Two');
  await t.throwsAsync(run('rebase', '-q', '--exec', 'false', 'HEAD~1'));
  t.deepEqual(await beside(), []);
});
