import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import test from 'ava';
import { createLogger } from '../../../../coordinator/base/logger.ts';
import { FLUSH, pktLine } from '../../../../coordinator/worker-api/git/pkt-line.ts';
import { LIMITS } from '../../../../protocol/limits.ts';
import { basic, git, tryGit, type Intercept } from '../../../support/git-server.ts';
import {
  cloneWithWork,
  commit,
  CREDENTIAL,
  refsOf,
  setUp,
  type GitProxyScene,
} from '../../../support/git-proxy-scene.ts';
import { until } from '../../../support/until.ts';
import { askRefs, postPush, readAnswer } from '../../../support/forge-requests.ts';

test('anything but smart HTTP is refused, and nothing reaches the forge', async (t) => {
  const setting = await setUp(t);
  const { url } = setting.server;
  const calls: [string, string][] = [
    ['GET', '/HEAD'],
    ['GET', '/info/refs'],
    ['GET', '/info/refs?service=git-upload-pack&x=1'],
    ['GET', '/info/refs?x=1&service=git-upload-pack'],
    ['GET', '/info/refs?service=git-upload-archive'],
    ['GET', '/objects/info/packs'],
    ['GET', '//other/app/info/refs?service=git-upload-pack'],
    ['GET', '/git-receive-pack'],
    ['POST', '/git-upload-archive'],
    ['POST', '/git-receive-pack?x=1'],
    ['PUT', '/info/refs?service=git-upload-pack'],
    ['DELETE', '/'],
  ];
  for (const [method, path] of calls) {
    const answer = await readAnswer(await fetch(url + path, { method }));
    t.is(answer.code, 'forbidden', `${method} ${path}`);
  }
  // `fetch` resolves the dots: what is left is the key of a repository that the task does not have.
  const beside = await fetch(`${url}/%2e%2e/other/info/refs?service=git-upload-pack`);
  t.is((await readAnswer(beside)).code, 'not_found');
  t.is((await postPush(setting, FLUSH, { 'content-type': 'text/plain' })).code, 'unsupported_media_type');
  t.is(setting.forge.requests.length, 0);
});

test('a push may be gzipped, within the limit of its decompressed size', async (t) => {
  const setting = await setUp(t, { pack_bytes_max: 1024 * 1024 });
  t.is((await postPush(setting, gzipSync(FLUSH), { 'content-encoding': 'gzip' })).status, 200);
  let arrived = 0;
  setting.forge.intercept = (request, response) => {
    request.on('data', (chunk: Buffer) => (arrived += chunk.length)).on('end', () => response.end());
    return true;
  };
  const command = pktLine(`${'0'.repeat(40)} ${'a'.repeat(40)} refs/heads/${setting.prefix}x\0 report-status`);
  const bomb = gzipSync(Buffer.concat([command, FLUSH, Buffer.alloc(64 * 1024 * 1024)]));
  t.true(bomb.length < 100_000);
  t.is((await postPush(setting, bomb, { 'content-encoding': 'gzip' })).code, 'too_large');
  t.true(arrived <= 1024 * 1024, `${arrived} bytes`);
  t.is((await postPush(setting, Buffer.from('no gzip'), { 'content-encoding': 'gzip' })).code, 'invalid');
  t.is((await postPush(setting, FLUSH, { 'content-encoding': 'br' })).code, 'unsupported_media_type');
  await until('all is done', () => setting.server.busy() === 0);
});

test('a pack beyond the limit is aborted and changes nothing', async (t) => {
  const setting = await setUp(t, { pack_bytes_max: 1024 * 1024 });
  const clone = await cloneWithWork(setting);
  const before = await refsOf(setting);
  await commit(clone, 'large.bin', randomBytes(2 * 1024 * 1024));
  const pushed = await tryGit(clone, 'push', 'origin', `HEAD:refs/heads/${setting.prefix}large`);
  t.false(pushed.ok);
  t.is(await refsOf(setting), before);
  await until('all is done', () => setting.server.busy() === 0);
});

test('a task whose pushes are refused again and again may make none for a while, and the log has short lines of it', async (t) => {
  const lines: string[] = [];
  const logger = createLogger('info', { write: (line) => lines.push(line) });
  const setting = await setUp(t, { logger });
  const long = 'x'.repeat(900);
  const refs = Array.from({ length: 500 }, (_, i) => `refs/tags/${i}${i === 0 ? long : ''}`);
  const [first = Buffer.of(), ...more] = refs.map((ref, i) =>
    pktLine(`${'0'.repeat(40)} ${'a'.repeat(40)} ${ref}${i === 0 ? '\0 report-status' : ''}`),
  );
  const body = Buffer.concat([first, ...more, FLUSH]);
  const max = LIMITS.git_refusals_per_minute_max;
  const answers = [];
  // Some time may pass meanwhile, in which a few more are let through.
  for (let n = 0; n < max * 2; n++) answers.push(await postPush(setting, body));
  t.true(answers.slice(0, max).every(({ status }) => status === 200));
  t.is(answers.at(-1)?.code, 'rate_limited');
  const logged = lines.filter((line) => line.includes('push refused'));
  t.true(logged.length >= max && logged.length < max * 1.5, `${logged.length} lines`);
  t.true(logged.every((line) => line.length < 1_500 && line.includes('"count":500')));
});

test('a push without commands must be empty', async (t) => {
  const setting = await setUp(t);
  t.is((await postPush(setting, Buffer.concat([FLUSH, Buffer.from('PACK')]))).code, 'invalid');
  t.is((await postPush(setting, Buffer.concat([pktLine(`shallow ${'a'.repeat(40)}`), FLUSH]))).code, 'invalid');
  t.is(setting.forge.requests.length, 0);
});

test('a push without report-status is refused by an HTTP status', async (t) => {
  const setting = await setUp(t);
  const answer = await postPush(
    setting,
    Buffer.concat([pktLine(`${'0'.repeat(40)} ${'a'.repeat(40)} refs/heads/main`), FLUSH]),
  );
  t.deepEqual([answer.status, answer.code], [403, 'forbidden']);
});

test('limits the git requests in progress until one is done', async (t) => {
  const setting = await setUp(t);
  const held: (() => void)[] = [];
  setting.forge.intercept = (request, response) => {
    t.is(request.headers.authorization, basic(CREDENTIAL));
    held.push(() => response.writeHead(404).end());
    return true;
  };
  const waiting = Array.from({ length: 8 }, () => askRefs(setting));
  await until('all are held', () => held.length === 8);
  const refused = await askRefs(setting);
  t.deepEqual([refused.status, refused.code, refused.retry_after], [429, 'rate_limited', '1']);
  for (const release of held) release();
  for (const answer of await Promise.all(waiting)) t.is(answer.code, 'not_found');
  setting.forge.intercept = undefined;
  t.is((await askRefs(setting)).status, 200);
});

/** Answers a clone with an endless body. */
const endless: Intercept = (request, response) => {
  if (request.method !== 'POST') return false;
  response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-result' });
  const chunk = Buffer.alloc(64 * 1024);
  const more = (): void => {
    while (!response.destroyed && response.write(chunk));
  };
  response.on('drain', more);
  more();
  return true;
};

test('the end of an attempt aborts a clone and leaves no connection open', async (t) => {
  const setting = await setUp(t);
  await git(setting.folder, 'clone', '--quiet', setting.server.url, 'fine');
  setting.forge.intercept = endless;
  const cut = await startFetch(setting);
  setting.server.end();
  await t.throwsAsync(cut.arrayBuffer());
  await until('nothing is in progress', () => setting.server.busy() === 0 && setting.forge.connections() === 0);
  const after = await askRefs(setting);
  t.is(after.code, 'stale_attempt');
});

test('a worker that hangs up in the middle of a clone leaves no connection open', async (t) => {
  const setting = await setUp(t);
  setting.forge.intercept = endless;
  const hangUp = new AbortController();
  const cut = await startFetch(setting, hangUp.signal);
  t.is(cut.status, 200);
  hangUp.abort();
  await until('nothing is in progress', () => setting.server.busy() === 0 && setting.forge.connections() === 0);
  t.deepEqual(setting.server.late_errors, [], 'a hang-up is not an error');
});

test('an answer is not buffered for a worker that reads nothing', async (t) => {
  const setting = await setUp(t);
  let written = 0;
  setting.forge.intercept = (request, response) => {
    const write = response.write.bind(response);
    response.write = (chunk: Buffer) => {
      written += chunk.length;
      return write(chunk);
    };
    return endless(request, response);
  };
  const hangUp = new AbortController();
  await startFetch(setting, hangUp.signal);
  let [seen, still] = [-1, 0];
  await until('nothing more is written', () => {
    still = written === seen ? still + 1 : 0;
    seen = written;
    return still === 20;
  });
  t.true(written < 64 * 1024 * 1024, `${written} bytes`);
  hangUp.abort();
  await until('nothing is in progress', () => setting.server.busy() === 0 && setting.forge.connections() === 0);
});

function startFetch({ server }: GitProxyScene, signal?: AbortSignal): Promise<Response> {
  const headers = { 'content-type': 'application/x-git-upload-pack-request' };
  return fetch(`${server.url}/git-upload-pack`, { method: 'POST', headers, body: '0000', signal: signal ?? null });
}
