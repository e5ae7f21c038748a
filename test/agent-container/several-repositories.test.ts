import test, { type ExecutionContext } from 'ava';
import { execFile } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { WorkInput } from '../../agent-container/base/work.ts';
import type { Worker } from '../../agent-container/worker.ts';
import { git } from '../support/git-server.ts';
import type { MockTask } from '../support/mock-coordinator/task.ts';
import { until } from '../support/until.ts';
import { callWorker } from '../support/worker-call.ts';
import { doing, setScene, untilStopped, type Scene } from '../support/worker-scene.ts';

const OTHERS = { web: {}, api: {} };

const hand = (worker: Worker, task: MockTask) => callWorker(worker.address, 'POST', '/task', task.assignment());
const write = ({ repo_dir }: WorkInput, path: string, text: string) => writeFile(join(repo_dir, path), text);
const bareOf = ({ git: server }: Scene, name: string) => join(server.root, 'owner', name);
const branchesOf = async (scene: Scene, name: string) =>
  (await git(bareOf(scene, name), 'for-each-ref', '--format=%(refname:short)', 'refs/heads/errand')).split('\n');
const refuse = (scene: Scene, name: string) =>
  writeFile(join(bareOf(scene, name), 'hooks', 'update'), '#!/bin/sh\necho "not here" >&2\nexit 1\n', { mode: 0o755 });
const pushesOf = ({ events }: { events: MockTask['events'] }) =>
  events.flatMap(({ type, body }) => (type === 'branch.pushed' ? [[body.repository ?? 'first', body.wip]] : []));

/** Carries out the newest attempt, and returns what it reported. */
async function run(t: ExecutionContext, scene: Scene, script: (input: WorkInput) => Promise<void>) {
  const worker = await scene.start(doing(script));
  await hand(worker, scene.task);
  t.is(await worker.ended, 0);
  return scene.task.current;
}

test.serial('each changed repository gets its branch and its part of the result, and the others none', async (t) => {
  const scene = await setScene(t, { others: OTHERS });
  const { result, events } = await run(t, scene, async (input) => {
    await write(input, 'a.txt', 'a\n');
    await write(input, '../web/b.txt', 'b\nb\n');
  });
  const { branch } = scene.task.base;
  t.like(result, { status: 'succeeded', branch, diff_stat: { files: 1, insertions: 1 } });
  t.regex(result?.diff ?? '', /\+a/);
  const [web, api] = result?.repositories ?? [];
  t.like(web, { key: 'web', branch, diff_stat: { files: 1, insertions: 2 } });
  t.regex(web?.diff ?? '', /\+b/);
  t.like(api, { key: 'api', branch: null, commit: null, diff: '', diff_stat: { files: 0 } });
  t.is(await git(bareOf(scene, 'name'), 'show', `${branch}:a.txt`), 'a');
  t.is(await git(bareOf(scene, 'web'), 'show', `${branch}:b.txt`), 'b\nb');
  t.deepEqual(await branchesOf(scene, 'api'), ['']);
  t.deepEqual(pushesOf({ events }), [
    ['first', false],
    ['web', false],
  ]);
  t.like(events[0], { type: 'agent.started', body: { takes_repositories: true } });
  const ready = events.flatMap(({ type, body }) => (type === 'repository.ready' ? [body.repository ?? null] : []));
  t.deepEqual(ready, [null, 'web', 'api']);
});

const COMMIT = `set -e
commit() { git -C "$1" commit -q --allow-empty -m x; git -C "$1" log -1 --format='%an <%ae> %cn <%ce>'; }
git worktree add -q ../tree
git init -q ../plain
git init -q ../fixture
git -C ../fixture config user.name Fixture
git -C ../fixture config user.email fixture@example.test
for dir in . ../tree ../web ../plain ../fixture; do commit $dir; done`;

test.serial('commits of commands have the author of the task, but in a repository that sets its own', async (t) => {
  const scene = await setScene(t, { others: OTHERS, assignment: { author: { name: 'Eva "E" Ö', email: 'e@x.test' } } });
  let lines: string[] = [];
  await run(t, scene, async ({ repo_dir, command_env }) => {
    const { stdout } = await promisify(execFile)('bash', ['-c', COMMIT], { cwd: repo_dir, env: command_env });
    lines = stdout.trim().split('\n');
  });
  const [own, fixture] = ['Eva "E" Ö <e@x.test>', 'Fixture <fixture@example.test>'];
  t.deepEqual(lines, [...Array.from({ length: 4 }, () => `${own} ${own}`), `${fixture} ${fixture}`]);
});

test.serial('only a further repository is changed: nothing is pushed to the first', async (t) => {
  const scene = await setScene(t, { others: OTHERS });
  const { result } = await run(t, scene, (input) => write(input, '../api/c.txt', 'c\n'));
  t.like(result, { status: 'succeeded', branch: null, commit: null, diff: '' });
  t.deepEqual(await branchesOf(scene, 'name'), ['']);
  t.deepEqual(await branchesOf(scene, 'api'), [scene.task.base.branch]);
});

test.serial('a push that is refused in one names it, and the work in the others is pushed and told', async (t) => {
  const scene = await setScene(t, { others: OTHERS });
  await refuse(scene, 'web');
  const said: (string | null)[] = [];
  const { result } = await run(t, scene, async (input) => {
    for (const path of ['a.txt', '../web/b.txt', '../api/c.txt']) await write(input, path, 'x\n');
    said.push(await input.deliver('Done'));
  });
  t.regex(said[0] ?? '', /^In \S+\/web, the clone of \S+\/web: [^]*not here/);
  t.notRegex(said[0] ?? '', /\/api/);
  t.like(result, { status: 'failed', reason: 'push_rejected', branch: scene.task.base.branch });
  t.regex(result?.detail ?? '', /owner\/web: [^]*not here/);
  const [web, api] = result?.repositories ?? [];
  t.like(web, { branch: null, commit: null });
  t.regex(web?.diff ?? '', /\+x/, 'the diff of what could not be pushed is kept');
  t.is(api?.branch, scene.task.base.branch);
  t.deepEqual(await branchesOf(scene, 'web'), ['']);
});

test.serial('a secret in one keeps that one from being pushed, and no other', async (t) => {
  const assignment = { env: { API_KEY: 'a-secret-value-of-this-project' }, secrets: ['API_KEY'] };
  const scene = await setScene(t, { others: OTHERS, assignment });
  const { result } = await run(t, scene, async (input) => {
    await write(input, 'a.txt', 'a\n');
    await write(input, '../web/b.txt', `key = ${assignment.env.API_KEY}\n`);
  });
  t.like(result, { status: 'failed', reason: 'push_rejected', branch: scene.task.base.branch });
  t.regex(result?.detail ?? '', /owner\/web: [^]*b\.txt/);
  t.false(JSON.stringify(result).includes(assignment.env.API_KEY));
  t.deepEqual(await branchesOf(scene, 'web'), ['']);
});

test.serial('a repository that cannot be cloned is named, before any work', async (t) => {
  const scene = await setScene(t, { others: { web: { base_branch: 'nowhere' } } });
  const { result } = await run(t, scene, () => Promise.reject(new Error('The work has begun.')));
  t.like(result, { status: 'failed', reason: 'repository_not_found' });
  t.regex(result?.detail ?? '', /owner\/web: The repository has no branch nowhere/);
});

test.serial('work is finished on the branch that was named in each repository', async (t) => {
  const scene = await setScene(t, { others: { web: { work_branch: 'topic' } } });
  await git(bareOf(scene, 'web'), 'branch', 'topic', 'main');
  const { result } = await run(t, scene, async (input) => {
    await write(input, 'a.txt', 'a\n');
    await write(input, '../web/b.txt', 'b\n');
  });
  t.is(result?.branch, scene.task.base.branch);
  t.is(result?.repositories?.[0]?.branch, 'topic');
  t.is(await git(bareOf(scene, 'web'), 'show', 'topic:b.txt'), 'b');
});

test.serial('each repository pushes only the commit that was approved for it', async (t) => {
  const scene = await setScene(t, {
    others: { web: { approved_commit: null } },
    assignment: { ask_before_push: true },
  });
  const change = async (input: WorkInput) => {
    await write(input, 'a.txt', 'a\n');
    await write(input, '../web/b.txt', 'b\n');
  };
  const held = (await run(t, scene, change)).result;
  const [web] = held?.repositories ?? [];
  t.like(held, { status: 'succeeded', branch: null, commit: null });
  t.regex(held?.held_commit ?? '', /^[0-9a-f]{40}$/);
  t.regex(web?.held_commit ?? '', /^[0-9a-f]{40}$/);
  t.deepEqual(await Promise.all(['name', 'web'].map((name) => branchesOf(scene, name))), [[''], ['']]);

  scene.task.nextAttempt();
  const [other] = scene.task.base.repositories ?? [];
  Object.assign(other ?? {}, { approved_commit: web?.held_commit });
  const partly = (await run(t, scene, () => Promise.resolve())).result;
  t.is(partly?.held_commit, held?.held_commit, 'the first still waits');
  t.like(partly?.repositories?.[0], { branch: scene.task.base.branch, commit: web?.held_commit });
  t.deepEqual(await branchesOf(scene, 'name'), ['']);
});

for (const lost of [false, true])
  test.serial(
    `killed after one of two pushes, ${lost ? 'with the workspace lost' : 'it resumes'}: each branch is there once, with all`,
    async (t) => {
      const scene = await setScene(t, { others: { web: {} } });
      const { task } = scene;
      let done = false;
      const worker = await scene.start(async (input) => {
        await write(input, 'a.txt', 'a\n');
        await input.checkpoint();
        await write(input, '../web/b.txt', 'b\n');
        done = true;
        return untilStopped(input);
      });
      await hand(worker, task);
      await until('the first was pushed', () => done && pushesOf(task).length > 0);
      const workspace = join(scene.folder, 'workspace');
      // A kill leaves no time to push: the worker is told that its attempt was given up.
      task.nextAttempt();
      t.not(await worker.ended, 0);
      if (lost) await rm(workspace, { recursive: true, force: true });

      const { result } = await run(t, scene, async (input) => {
        if (lost) await write(input, '../web/b.txt', 'b\n');
      });
      const { branch } = task.base;
      t.like(result, { status: 'succeeded', branch, repositories: [{ key: 'web', branch }] });
      for (const [name, path, text] of [['name', 'a.txt', 'a'] as const, ['web', 'b.txt', 'b'] as const]) {
        t.deepEqual(await branchesOf(scene, name), [branch]);
        t.is(await git(bareOf(scene, name), 'show', `${branch}:${path}`), text);
        t.is(await git(bareOf(scene, name), 'rev-list', '--count', `main..${branch}`), '1');
      }
    },
  );
