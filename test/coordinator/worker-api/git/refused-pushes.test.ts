import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { findKeptCommits, hasBegunPush } from '../../../../coordinator/sqlite/task-pushes.ts';
import { pushedCommits } from '../../../../coordinator/worker-api/git/pushed-commits.ts';
import { SAMPLE_REPO_URL } from '../../../../protocol/task.ts';
import { cloneWithWork, commit, CREDENTIAL, setUp } from '../../../support/git-proxy-scene.ts';
import { git, tryGit } from '../../../support/git-server.ts';
import { startApi } from '../../../support/start-api.ts';

/** A task whose repository has a hook that may refuse its pushes. */
async function scene(t: ExecutionContext) {
  const { log, person } = await startApi(t);
  const task = await (await person()).api.call('createTask', { body: { prompt: 'Work', repo_url: SAMPLE_REPO_URL } });
  const setting = await setUp(t, { pushed: pushedCommits(log) }, CREDENTIAL, task.id);
  const clone = await cloneWithWork(setting);
  const where = { task_id: task.id, key: null };
  return {
    ...setting,
    clone,
    hook: (name: string, script: string) =>
      writeFile(join(setting.forge.root, 'team/app/hooks', name), `#!/bin/sh\n${script}\n`, { mode: 0o755 }),
    push: (...branches: string[]) =>
      tryGit(clone, 'push', 'origin', ...branches.map((name) => `HEAD:refs/heads/${setting.prefix}${name}`)),
    /** Whether the present commit counts as pushed to this branch. */
    isSeen: async (name: string) => {
      const ref = `refs/heads/${setting.prefix}${name}`;
      return findKeptCommits(log.db, where, { ref, commit: await git(clone, 'rev-parse', 'HEAD') }) !== undefined;
    },
    hasBegun: () => hasBegunPush(log.db, task.id),
  };
}

test('a push that the repository refuses in its report does not count', async (t) => {
  const { hook, push, isSeen, hasBegun } = await scene(t);
  await hook('pre-receive', 'echo "not on a Friday"; exit 1');
  t.regex((await push('work')).stderr, /not on a Friday[\s\S]*pre-receive hook declined/);
  t.false(await isSeen('work'));
  t.false(hasBegun());
});

test('of a push of two branches the one that the repository takes counts', async (t) => {
  const { hook, push, isSeen, prefix } = await scene(t);
  await hook('update', `test "$1" = refs/heads/${prefix}taken`);
  t.false((await push('taken', 'refused')).ok);
  t.true(await isSeen('taken'));
  t.false(await isSeen('refused'));
});

test('a push whose pack the repository cannot store does not count', async (t) => {
  const { forge, push, isSeen } = await scene(t);
  await git(join(forge.root, 'team/app'), 'config', 'receive.maxInputSize', '1');
  t.false((await push('work')).ok);
  t.false(await isSeen('work'));
});

test('a push that was made before still counts after the same one is refused', async (t) => {
  const { clone, hook, push, isSeen, forge, prefix } = await scene(t);
  t.true((await push('work')).ok);
  await git(join(forge.root, 'team/app'), 'update-ref', '-d', `refs/heads/${prefix}work`);
  await hook('pre-receive', 'exit 1');
  t.false((await push('work')).ok);
  t.true(await isSeen('work'));
  await commit(clone, 'more.txt', 'more\n');
  t.false((await push('work')).ok);
  t.false(await isSeen('work'));
});

for (const other of ['taken', 'refused'] as const)
  test(`of two pushes of the same commit at once, where one is refused and the other is ${other}, the commit ${other === 'taken' ? 'counts' : 'does not count'}`, async (t) => {
    const { forge, hook, push, isSeen } = await scene(t);
    const [held, free] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let is_first = true;
    forge.intercept = (request, response) => {
      if (request.method !== 'POST' || !is_first) return false;
      is_first = false;
      held.resolve();
      request.resume();
      void free.promise.then(() => response.writeHead(403).end());
      return true;
    };
    const first = push('work');
    await held.promise;
    if (other === 'refused') await hook('pre-receive', 'exit 1');
    t.is((await push('work')).ok, other === 'taken');
    free.resolve();
    t.false((await first).ok);
    t.is(await isSeen('work'), other === 'taken');
  });

test('a push whose answer does not come counts, and one that is refused with a status does not', async (t) => {
  const { clone, forge, push, isSeen } = await scene(t);
  let status: number | undefined = 403;
  forge.intercept = (request, response) => {
    if (request.method !== 'POST') return false;
    request.resume().on('end', () => (status === undefined ? response.destroy() : response.writeHead(status).end()));
    return true;
  };
  t.false((await push('work')).ok);
  t.false(await isSeen('work'));
  for (status of [undefined, 502]) {
    await commit(clone, 'more.txt', `${status}\n`);
    t.false((await push('work')).ok);
    t.true(await isSeen('work'));
  }
});

test('a push counts whose answer is cut off before its report ends', async (t) => {
  const { forge, push, isSeen } = await scene(t);
  forge.intercept = (request, response) => {
    if (request.method !== 'POST') return false;
    response.writeHead(200, { 'content-type': 'application/x-git-receive-pack-result' });
    request.resume().on('end', () => response.write('0023\x01000bunpack no', () => response.destroy()));
    return true;
  };
  t.false((await push('work')).ok);
  t.true(await isSeen('work'));
});

test('the output of hooks that is longer than what is read of an answer reaches git', async (t) => {
  const { hook, push, isSeen } = await scene(t);
  await hook('pre-receive', 'head -c 300000 /dev/zero | tr "\\0" "x"; echo the end; exit 1');
  t.regex((await push('work')).stderr, /the end/);
  t.true(await isSeen('work'));
});
