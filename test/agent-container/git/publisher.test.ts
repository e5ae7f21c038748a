import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Publisher } from '../../../agent-container/git/publisher.ts';
import { SecretSearch } from '../../../agent-container/git/secret-search.ts';
import { wipMessage } from '../../../agent-container/git/wip-commit.ts';
import { readRecord } from '../../../agent-container/git/workspace-record.ts';
import { git as plainGit } from '../../support/git-server.ts';
import { setRepositoryScene } from '../../support/repository-scene.ts';

const CHECKPOINT = { message: wipMessage('Work'), wip: true, with_diff: false, accept: () => true };

test("a turn that begins before the worker's own repository is made anew does not mark it as complete", async (t) => {
  const { clone, prepare, remote, write } = await setRepositoryScene(t);
  const repos = clone();
  const { own } = repos;
  const record = await prepare(repos);
  const shared = { remote, approval: null, secrets: new SecretSearch({ values: [] }), began_ms: () => 0 };
  const publisherWith = (base_commit: string | null) =>
    new Publisher({
      ...shared,
      record: { ...record, base_commit },
      emit: async () => undefined,
      tell: async () => undefined,
    });
  await write(repos, 'a.txt', 'a\n');

  await rm(join(own.git_dir, 'objects'), { recursive: true });
  const unlucky = publisherWith('f'.repeat(40));
  await t.throwsAsync(unlucky.publish(repos, CHECKPOINT));
  await unlucky.note(own, { turn: 3 });
  t.is(await readRecord(own), null);

  const publisher = publisherWith(record.base_commit);
  const published = publisher.publish(repos, CHECKPOINT);
  await publisher.note(own, { turn: 4 });
  t.is((await published).problem, null);
  t.like(await readRecord(own), { workspace: record.workspace, turn: 4 });
});

/** A task that pushes work in progress, and then finished work. */
async function finishedScene(t: ExecutionContext) {
  const setting = await setRepositoryScene(t);
  const { clone, prepare, remote, write, task } = setting;
  const repos = clone();
  const pushed: string[] = [];
  const publisher = async () => {
    const record = await prepare(repos);
    return new Publisher({
      remote,
      approval: null,
      record,
      secrets: new SecretSearch({ values: [] }),
      began_ms: () => 0,
      emit: async ({ type, body }) => void (type === 'branch.pushed' && pushed.push(body.commit)),
      tell: async () => undefined,
    });
  };
  const first = await publisher();
  const tip = () => plainGit(setting.bare, 'rev-parse', task.branch);
  await write(repos, 'a.txt', 'half\n');
  t.is((await first.publish(repos, CHECKPOINT)).commit, await tip());
  await write(repos, 'a.txt', 'whole\n');
  t.is((await first.publish(repos, FINISHED)).commit, await tip());
  return { ...setting, repos, publisher, pushed, tip };
}

const FINISHED = { message: 'Work', wip: false, with_diff: false, accept: () => true };

test('work in progress does not follow finished work on its branch, and is part of the next that is finished', async (t) => {
  const { repos, publisher, tip, write, bare, task } = await finishedScene(t);
  const finished = await tip();
  const next = await publisher();
  await write(repos, 'b.txt', 'half\n');
  t.like(await next.publish(repos, CHECKPOINT), { problem: null, branch: task.branch, commit: finished });
  t.is(await tip(), finished);
  t.is((await next.publish(repos, FINISHED)).commit, await tip());
  t.is(await plainGit(bare, 'show', `${task.branch}:b.txt`), 'half');
});

test('what others have pushed and the next attempt has taken over is no push of the task', async (t) => {
  const { repos, publisher, tip, byAnother, task, pushed } = await finishedScene(t);
  await byAnother(task.branch, 'theirs.txt');
  const theirs = await tip();
  const next = await publisher();
  t.like(await next.publish(repos, FINISHED), { problem: null, branch: task.branch, commit: theirs });
  t.is(pushed.length, 2);
  t.false(pushed.includes(theirs));
});
