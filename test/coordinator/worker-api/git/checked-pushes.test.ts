import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir, stat } from 'node:fs/promises';
import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { branchPrefix } from '../../../../coordinator/domain/task.ts';
import type { GitDependencies } from '../../../../coordinator/worker-api/git/git-proxy.ts';
import { FLUSH, pktLine } from '../../../../coordinator/worker-api/git/pkt-line.ts';
import type { PushedCommits } from '../../../../coordinator/worker-api/git/pushed-commits.ts';
import { readRefs } from '../../../../coordinator/worker-api/git/read-refs.ts';
import { newId } from '../../../../protocol/ids.ts';
import { postPush } from '../../../support/forge-requests.ts';
import { CREDENTIAL, setUp, type GitProxyScene } from '../../../support/git-proxy-scene.ts';
import { heapUsed } from '../../../support/heap-used.ts';
import { until } from '../../../support/until.ts';
import { serveWorkerProxy } from '../../../support/worker-proxy-server.ts';

const MB = 1024 * 1024;
const SOME_COMMIT = 'a'.repeat(40);
/** Whatever a task replaces is somebody else's, so every push is checked. */
const pushed: PushedCommits = {
  toKeep: (_where, { old }) => [old],
  add: () => [],
  keep: () => undefined,
  remove: () => undefined,
};

/** A task, and the files of its pushes that are being checked. */
async function scene(t: ExecutionContext, change: Partial<GitDependencies> = {}) {
  const task_id = newId();
  const setting = await setUp(t, { pushed, ...change }, CREDENTIAL, task_id);
  const packs = join(setting.folder, 'packs');
  const folders = () => readdir(packs).catch(() => []);
  const stored = async () => {
    const [folder] = await folders();
    return folder === undefined ? 0 : (await stat(join(packs, folder, 'pushed.pack')).catch(() => ({ size: 0 }))).size;
  };
  return { ...setting, folders, stored };
}

function head({ prefix }: Pick<GitProxyScene, 'prefix'>, commit = 'b'.repeat(40)): Buffer {
  const command = `${SOME_COMMIT} ${commit} refs/heads/${prefix}x\0 report-status`;
  return Buffer.concat([pktLine(command), FLUSH]);
}

/** Begins to post a push, and sends nothing more. */
function stall({ server }: GitProxyScene, gzipped: Buffer): ClientRequest {
  const headers = { 'content-type': 'application/x-git-receive-pack-request', 'content-encoding': 'gzip' };
  const push = request(`${server.url}/git-receive-pack`, { method: 'POST', headers });
  push.on('error', () => undefined).write(gzipped);
  return push;
}

test.serial(
  'the pushes of one task are checked one at a time, from the disk, while those of others go on',
  async (t) => {
    const setting = await scene(t);
    const before = (heapUsed(), process.memoryUsage().arrayBuffers);
    // All of each body but its last bytes.
    const body = gzipSync(Buffer.concat([head(setting), Buffer.alloc(30 * MB), randomBytes(1000)]));
    const held = Array.from({ length: 7 }, () => stall(setting, body.subarray(0, -500)));
    await until('one is stored', async () => (await setting.stored()) >= 30 * MB);
    t.is((await setting.folders()).length, 1);
    const used = (heapUsed(), process.memoryUsage().arrayBuffers - before);
    t.true(used < 20 * MB, `${used} bytes`);
    const other_id = newId();
    const other = await serveWorkerProxy(t, setting.proxy, other_id);
    const answer = await postPush({ ...setting, server: other }, head({ prefix: branchPrefix(other_id) }));
    t.regex(answer.words, /would lose the commit aaaaaaaaaaaa/);
    for (const push of held) push.destroy();
    await until('all is done', async () => setting.server.busy() === 0 && (await setting.folders()).length === 0);
  },
);

test('a pack that is too large to be checked is refused, and nothing of it stays', async (t) => {
  const setting = await scene(t);
  const body = gzipSync(Buffer.concat([head(setting), Buffer.alloc(65 * MB)]));
  t.is((await postPush(setting, body, { 'content-encoding': 'gzip' })).code, 'too_large');
  await until('the folder is gone', async () => (await setting.folders()).length === 0);
  t.is(setting.forge.requests.length, 0);
});

test('a push that never ends loses its place', async (t) => {
  const setting = await scene(t, { checked_push_ms: 100 });
  const body = gzipSync(Buffer.concat([head(setting), Buffer.alloc(MB)]));
  const stalled = stall(setting, body.subarray(0, -20));
  const [answer] = (await once(stalled, 'response')) as [IncomingMessage];
  t.is(answer.headers['errand-error'], 'upstream_unreachable');
  await until('the folder is gone', async () => (await setting.folders()).length === 0);
  stalled.destroy();
});

test.serial('of the refs of a repository none is kept that nobody asked for', async (t) => {
  const names = Array.from({ length: 1_000 }, (_, i) => i);
  const before = heapUsed();
  let [read, used] = [0, 0];
  async function* list() {
    yield Buffer.concat([pktLine('# service=git-upload-pack\n'), FLUSH]);
    for (let page = 0; page < 100; page += 1)
      yield Buffer.concat(names.map((i) => pktLine(`${SOME_COMMIT} refs/heads/a-branch-of-the-forge/${page}/${i}\n`)));
    used = heapUsed() - before;
    yield FLUSH;
  }
  await readRefs(
    () => Promise.resolve({ headers: {}, body: Readable.from(list()) }),
    () => (read += 1),
  );
  t.is(read, 100_000);
  t.true(used < 8 * MB, `${used} bytes`);
});
