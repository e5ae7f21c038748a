import test from 'ava';
import { mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { WorkInput } from '../../agent-container/base/work.ts';
import type { Worker } from '../../agent-container/worker.ts';
import type { MockTask } from '../support/mock-coordinator/task.ts';
import { git } from '../support/git-server.ts';
import { callWorker } from '../support/worker-call.ts';
import { doing, setScene } from '../support/worker-scene.ts';

const hand = (worker: Worker, task: MockTask) => callWorker(worker.address, 'POST', '/task', task.assignment());
const write = (input: WorkInput, name: string, text: string) => writeFile(join(input.repo_dir, name), text);

test.serial('a repository that does not exist fails the task, and is named', async (t) => {
  const { task, start, git: server } = await setScene(t);
  task.base.repo_url = `${server.origin}/owner/other`;
  const worker = await start(doing(() => Promise.resolve()));
  await hand(worker, task);
  t.is(await worker.ended, 0);
  t.like(task.current.result, { status: 'failed', reason: 'repository_not_found', branch: null });
  t.regex(task.current.result?.detail ?? '', /owner\/other/);
});

test.serial('a wrong password fails like a repository that does not exist', async (t) => {
  const { task, start, git: server } = await setScene(t, { credential: { username: 'u', password: 'right' } });
  server.intercept = (request, response) => {
    response.writeHead(401, { 'www-authenticate': 'Basic' }).end();
    request.resume();
    return true;
  };
  const worker = await start(doing(() => Promise.resolve()));
  await hand(worker, task);
  t.is(await worker.ended, 0);
  t.is(task.current.result?.reason, 'repository_not_found');
});

test.serial('a base branch that does not exist is named', async (t) => {
  const { task, start } = await setScene(t, { assignment: { base_branch: 'nowhere' } });
  const worker = await start(doing(() => Promise.resolve()));
  await hand(worker, task);
  t.is(await worker.ended, 0);
  t.like(task.current.result, {
    status: 'failed',
    reason: 'repository_not_found',
    detail: 'The repository has no branch nowhere. A task starts from a branch, not from a tag or a commit.',
  });
});

test.serial('clone and push are retried while the forge is unavailable', async (t) => {
  const { task, start, git: server, bare } = await setScene(t);
  const failed = new Map<string, number>();
  server.intercept = (request, response) => {
    const times = failed.get(request.url ?? '') ?? 0;
    failed.set(request.url ?? '', times + 1);
    if (times >= 1) return false;
    request.resume();
    response.writeHead(503).end();
    return true;
  };
  const worker = await start(doing((input) => write(input, 'a.txt', 'a\n')));
  await hand(worker, task);
  t.is(await worker.ended, 0);
  t.is(task.current.result?.status, 'succeeded');
  t.is(await git(bare, 'show', `${task.base.branch}:a.txt`), 'a');
});

test.serial('a push that the repository rejects makes a success a failure', async (t) => {
  const { task, start, bare } = await setScene(t);
  await writeFile(join(bare, 'hooks/pre-receive'), '#!/bin/sh\necho "no pushes on Sundays" >&2\nexit 1\n', {
    mode: 0o755,
  });
  const worker = await start(doing((input) => write(input, 'a.txt', 'a\n')));
  await hand(worker, task);
  t.is(await worker.ended, 0);
  t.like(task.current.result, { status: 'failed', reason: 'push_rejected', branch: null, commit: null });
  t.regex(task.current.result?.detail ?? '', /pre-receive hook declined/);
});

test.serial('a checkpoint pushes work in progress once, and changes neither HEAD nor the index', async (t) => {
  const { task, start, bare } = await setScene(t);
  const seen: string[] = [];
  const worker = await start(
    doing(async (input) => {
      await write(input, 'a.txt', 'a\n');
      const before = await git(input.repo_dir, 'rev-parse', 'HEAD');
      await input.checkpoint();
      await input.checkpoint();
      seen.push(await git(input.repo_dir, 'status', '--porcelain'));
      t.is(await git(input.repo_dir, 'rev-parse', 'HEAD'), before);
      await write(input, 'b.txt', 'b\n');
    }),
  );
  await hand(worker, task);
  t.is(await worker.ended, 0);
  t.deepEqual(seen, ['?? a.txt']);
  const pushes = task.events.flatMap((event) => (event.type === 'branch.pushed' ? [event.body.wip] : []));
  t.deepEqual(pushes, [true, false]);
  t.is(
    await git(bare, 'log', '--format=%s', task.base.branch),
    'Do it\nFirst',
    'the final commit replaces the work in progress',
  );
});

test.serial('a checkpoint never throws', async (t) => {
  const { task, start, git: server } = await setScene(t);
  const worker = await start(
    doing(async (input) => {
      await write(input, 'a.txt', 'a\n');
      server.intercept = (request, response) => {
        request.resume();
        response.writeHead(404).end();
        return true;
      };
      await input.checkpoint();
      server.intercept = undefined;
    }),
  );
  await hand(worker, task);
  t.is(await worker.ended, 0);
  t.is(task.current.result?.status, 'succeeded');
});

test.serial('what a command put in the place of HOME or of another folder of the worker is no obstacle', async (t) => {
  const { task, start, config, folder } = await setScene(t);
  const own = config();
  const dirIn = (name: string) => join(own.workspace_dir, name);
  const outside = join(folder, 'outside');
  await mkdir(outside);
  const first = await start(
    doing(async (input) => {
      await write(input, 'a.txt', 'a\n');
      for (const name of ['home', 'tmp', 'scratch']) await rm(dirIn(name), { recursive: true });
      await symlink(outside, dirIn('home'));
      await symlink(join(folder, 'nowhere'), dirIn('tmp'));
      await writeFile(dirIn('scratch'), '');
    }),
    own,
  );
  await hand(first, task);
  t.is(await first.ended, 0);
  task.nextAttempt();
  const second = await start(
    doing((input) => write(input, 'b.txt', 'b\n')),
    own,
  );
  await hand(second, task);
  t.is(await second.ended, 0);
  t.like(task.current.result, { status: 'succeeded' });
  t.deepEqual(await readdir(outside), [], 'nothing was written through the link');
});
