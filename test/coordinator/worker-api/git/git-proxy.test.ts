import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { branchPrefix } from '../../../../coordinator/domain/task.ts';
import { FLUSH, pktLine } from '../../../../coordinator/worker-api/git/pkt-line.ts';
import { newId } from '../../../../protocol/ids.ts';
import { ErrandError } from '../../../../protocol/problem.ts';
import { basic, git, tryGit } from '../../../support/git-server.ts';
import { cloneWithWork, commit, CREDENTIAL, refsOf, setUp } from '../../../support/git-proxy-scene.ts';
import { serveWorkerProxy } from '../../../support/worker-proxy-server.ts';

test('a private repository can be cloned and pushed to, and the worker never sees the credential', async (t) => {
  const setting = await setUp(t);
  const { server, folder, forge, prefix } = setting;
  const clone = join(folder, 'clone');
  const seen = await tryGit(
    folder,
    '-c',
    'http.extraHeader=Authorization: Bearer task-token',
    'clone',
    server.url,
    clone,
  );
  t.true(seen.ok, seen.stderr);
  await commit(clone, 'work.txt', 'done\n');
  await git(clone, 'push', '--quiet', 'origin', `HEAD:refs/heads/${prefix}work`);
  t.is(await git(join(forge.root, 'team/app'), 'show', `${prefix}work:work.txt`), 'done');

  await git(join(forge.root, 'team/app'), 'update-ref', 'refs/heads/later', `refs/heads/${prefix}work`);
  await git(clone, 'fetch', '--quiet');
  t.is(await git(clone, 'show', 'origin/later:work.txt'), 'done');

  for (const { headers } of forge.requests) t.is(headers.authorization?.startsWith('Basic '), true);
  t.false((await git(clone, 'config', '--list')).includes(CREDENTIAL.password));
  const answer = await fetch(`${server.url}/info/refs?service=git-upload-pack`);
  t.is(answer.status, 200);
  t.is(answer.headers.get('www-authenticate'), null);
  t.is(answer.headers.get('set-cookie'), null);
  t.false((await answer.text()).includes(CREDENTIAL.password));
});

test('git sends the token of its URL after a challenge', async (t) => {
  const { proxy, server, folder } = await setUp(t);
  const guarded = await serveWorkerProxy(
    t,
    {
      ...proxy,
      forward: async (request, ...rest) => {
        if (request.headers.authorization === basic({ username: 'task', password: 'token' }))
          return proxy.forward(request, ...rest);
        throw new ErrandError('unauthenticated', 'There is no task token.');
      },
    },
    server.caller.task_id,
  );
  const { host } = new URL(guarded.url);
  t.true((await tryGit(folder, 'clone', `http://task:token@${host}`, 'with')).ok);
  t.false((await tryGit(folder, 'clone', `http://task:other@${host}`, 'without')).ok);
});

test('a task may force-push its own branch', async (t) => {
  const setting = await setUp(t);
  const clone = await cloneWithWork(setting);
  const ref = `refs/heads/${setting.prefix}work`;
  await git(clone, 'push', '--quiet', 'origin', `HEAD:${ref}`);
  await git(clone, 'commit', '--quiet', '--amend', '--message=Other');
  const plain = await tryGit(clone, 'push', 'origin', `HEAD:${ref}`);
  t.false(plain.ok);
  await git(clone, 'push', '--quiet', '--force', 'origin', `HEAD:${ref}`);
  t.true((await refsOf(setting)).includes(`${ref} ${await git(clone, 'rev-parse', 'HEAD')}`));
});

const REFUSED: Record<string, (own: string) => string[]> = {
  'the main branch': () => ['HEAD:refs/heads/main'],
  'the main branch, with force': () => ['--force', 'HEAD:refs/heads/main'],
  "another task's branch": () => [`HEAD:refs/heads/${branchPrefix(newId())}work`],
  'its prefix alone': (own) => [`HEAD:refs/heads/${own.slice(0, -1)}`],
  'a tag': (own) => [`HEAD:refs/tags/${own}work`],
  'a ref of another kind': (own) => [`HEAD:refs/notes/${own}work`],
  'the deletion of another branch': () => ['--delete', 'main'],
  'the deletion of its own branch': (own) => ['--delete', `${own}kept`],
  'its own branch together with another one': (own) => [`HEAD:refs/heads/${own}work`, 'HEAD:refs/heads/main'],
  'everything, as a mirror': () => ['--mirror'],
  'an invalid name below its prefix': (own) => [`HEAD:refs/heads/${own}é`],
  'its own branch with a push option': (own) => ['--push-option=ci.skip', `HEAD:refs/heads/${own}work`],
};

for (const [what, specs] of Object.entries(REFUSED))
  test(`refuses to push ${what}, and git says why`, async (t) => {
    const setting = await setUp(t);
    await git(join(setting.forge.root, 'team/app'), 'config', 'receive.advertisePushOptions', 'true');
    const clone = await cloneWithWork(setting);
    await git(clone, 'push', '--quiet', 'origin', `origin/main:refs/heads/${setting.prefix}kept`);
    await git(clone, 'tag', 'v1');
    const before = await refsOf(setting);
    const asked = setting.forge.requests.length;
    const pushed = await tryGit(clone, 'push', 'origin', ...specs(setting.prefix));
    t.false(pushed.ok);
    t.regex(
      pushed.stderr,
      /\[remote rejected\].*\((only refs\/heads\/errand\/\w+-\* may be pushed|branches may not be deleted|a branch name may contain .*|push options are not supported)\)/,
    );
    t.is(await refsOf(setting), before);
    t.deepEqual(
      setting.forge.requests.slice(asked).filter(({ method }) => method === 'POST'),
      [],
      'nothing of the push was forwarded',
    );
  });

test('a push of more than a mebibyte is probed first, then sent in chunks', async (t) => {
  const setting = await setUp(t);
  const clone = await cloneWithWork(setting);
  const bytes = randomBytes(3 * 1024 * 1024);
  await commit(clone, 'large.bin', bytes);
  await git(clone, 'push', '--quiet', 'origin', `HEAD:refs/heads/${setting.prefix}large`);
  const posts = setting.forge.requests.filter(({ url }) => url.endsWith('/git-receive-pack'));
  t.is(posts.length, 2);
  t.is(posts[0]?.headers['content-length'], '4');
  t.is(posts[1]?.headers['transfer-encoding'], 'chunked');
  const size = await git(join(setting.forge.root, 'team/app'), 'cat-file', '-s', `${setting.prefix}large:large.bin`);
  t.is(Number(size), bytes.length);
});

test('a large push that is refused is read to its end, so that git prints the reason', async (t) => {
  const setting = await setUp(t);
  const clone = await cloneWithWork(setting);
  await commit(clone, 'large.bin', randomBytes(3 * 1024 * 1024));
  const pushed = await tryGit(clone, 'push', 'origin', 'HEAD:refs/heads/main');
  t.regex(pushed.stderr, /\[remote rejected\] HEAD -> main \(only refs\/heads\/errand/);
});

for (const [where, flush] of [
  ['behind the name of the service', FLUSH],
  ['right after it', Buffer.alloc(0)],
] as const)
  test(`git prints why a repository takes no push, where it says so ${where} in place of its refs`, async (t) => {
    const setting = await setUp(t);
    const clone = await cloneWithWork(setting);
    setting.forge.intercept = (request, response) => {
      if (request.url?.endsWith('/info/refs?service=git-receive-pack') !== true) return false;
      response.writeHead(200, { 'content-type': 'application/x-git-receive-pack-advertisement' });
      response.end(
        Buffer.concat([pktLine('# service=git-receive-pack\n'), flush, pktLine('ERR the project is frozen')]),
      );
      return true;
    };
    const pushed = await tryGit(clone, 'push', 'origin', `HEAD:refs/heads/${setting.prefix}work`);
    t.regex(pushed.stderr, /remote error: the project is frozen/);
  });

test('a shallow clone can push', async (t) => {
  const setting = await setUp(t);
  const first = await cloneWithWork(setting);
  await git(first, 'push', '--quiet', 'origin', `HEAD:refs/heads/${setting.prefix}work`);
  const shallow = join(setting.folder, 'shallow');
  await git(
    setting.folder,
    'clone',
    '--quiet',
    '--depth=1',
    `--branch=${setting.prefix}work`,
    setting.server.url,
    shallow,
  );
  await commit(shallow, 'more.txt', 'more\n');
  await git(shallow, 'push', '--quiet', 'origin', `HEAD:refs/heads/${setting.prefix}more`);
  t.is(await git(join(setting.forge.root, 'team/app'), 'rev-list', '--count', `${setting.prefix}more`), '3');
});

test('too many refs in one push are refused', async (t) => {
  const setting = await setUp(t);
  const clone = await cloneWithWork(setting);
  const spec = (i: number) => `HEAD:refs/heads/${setting.prefix}${i}`;
  const few = Array.from({ length: 20 }, (_, i) => spec(i));
  t.true((await tryGit(clone, 'push', 'origin', ...few)).ok);
  const many = await tryGit(clone, 'push', 'origin', ...Array.from({ length: 21 }, (_, i) => spec(100 + i)));
  t.regex(many.stderr, /more than 20 refs in one push/);
  const mirror = await tryGit(clone, 'push', 'origin', ...Array.from({ length: 1200 }, (_, i) => spec(1000 + i)));
  t.regex(mirror.stderr, /HTTP 413/);
});

test('the sample is served from the data folder, with the same checks of pushes, and runs no hook', async (t) => {
  const setting = await setUp(t, { repository: () => ({ repo_url: 'errand://sample', credential: undefined }) });
  const { folder, prefix } = setting;
  const clone = await cloneWithWork(setting);
  t.true((await git(clone, 'log', '--format=%s')).includes('Split a bill among friends'));
  const sample = join(folder, 'data/sample.git');
  await mkdir(join(sample, 'hooks'), { recursive: true });
  await writeFile(join(sample, 'hooks/pre-receive'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
  await git(clone, 'push', '--quiet', 'origin', `HEAD:refs/heads/${prefix}work`);
  t.is(await git(sample, 'show', `${prefix}work:work.txt`), 'done');
  const refused = await tryGit(clone, 'push', 'origin', 'HEAD:refs/heads/main');
  t.regex(refused.stderr, /only refs\/heads\/errand/);
  await commit(clone, 'large.bin', randomBytes(2 * 1024 * 1024));
  await git(clone, '-c', 'protocol.version=0', 'push', '--quiet', 'origin', `HEAD:refs/heads/${prefix}large`);
  await git(clone, '-c', 'protocol.version=0', 'fetch', '--quiet');
  t.is(await git(clone, 'rev-parse', `origin/${prefix}large`), await git(clone, 'rev-parse', 'HEAD'));
  t.is(setting.forge.requests.length, 0);
});
