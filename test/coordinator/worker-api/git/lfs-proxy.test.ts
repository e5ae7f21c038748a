import { readFile } from 'node:fs/promises';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { LIMITS } from '../../../../protocol/limits.ts';
import type { GitDependencies } from '../../../../coordinator/worker-api/git/git-proxy.ts';
import type { NoteUse } from '../../../../coordinator/worker-api/worker-audit.ts';
import { git, startGitServer, tryGit } from '../../../support/git-server.ts';
import { cloneWithWork, commit, CREDENTIAL, setUp } from '../../../support/git-proxy-scene.ts';
import { addLfsServer, pointerOf } from '../../../support/lfs-server.ts';
import { until } from '../../../support/until.ts';

/** A clone through the proxy with Git LFS for `*.bin`, and a commit that has one. */
async function scene(t: ExecutionContext, change: Partial<GitDependencies> = {}) {
  const setting = await setUp(t, change);
  const lfs = addLfsServer(setting.forge, CREDENTIAL);
  const clone = await cloneWithWork(setting);
  await git(clone, 'lfs', 'install', '--local');
  await git(clone, 'config', 'lfs.url', `${setting.server.url}/info/lfs`);
  await commit(clone, '.gitattributes', '*.bin filter=lfs diff=lfs merge=lfs -text\n');
  await commit(clone, 'a.bin', 'the content of a\n');
  const push = () => tryGit(clone, 'lfs', 'push', 'origin', 'HEAD');
  const batch = async (body: unknown, path = '') =>
    fetch(`${setting.server.url}${path}/info/lfs/objects/batch`, {
      method: 'POST',
      headers: { 'content-type': 'application/vnd.git-lfs+json' },
      body: JSON.stringify(body),
    });
  return { ...setting, lfs, clone, push, batch };
}

const OID = /^oid sha256:([0-9a-f]{64})$/m.exec(pointerOf('the content of a\n'))?.[1] ?? '';
const OBJECT = { oid: OID, size: 17 };

test('git-lfs uploads, verifies and downloads through the proxy, and sees nothing of the forge', async (t) => {
  const uploads: unknown[] = [];
  const noteUse: NoteUse = (_, action, detail) => void (action === 'git.lfs_uploaded' && uploads.push(detail));
  const { clone, push, lfs, forge, folder, prefix, batch } = await scene(t, { noteUse });
  const pushed = await push();
  t.true(pushed.ok, pushed.stderr);
  t.deepEqual(uploads, [{ host: forge.host, ...OBJECT }]);
  t.is(lfs.objects.get(OID)?.toString(), 'the content of a\n');
  t.deepEqual(lfs.verified, [OID]);
  await git(clone, 'push', '--quiet', 'origin', `HEAD:refs/heads/${prefix}work`);
  const other = join(folder, 'other');
  const url = await git(clone, 'remote', 'get-url', 'origin');
  await git(folder, 'clone', '-q', '-b', `${prefix}work`, url, other);
  await git(other, 'lfs', 'install', '--local');
  await git(other, '-c', `lfs.url=${url}/info/lfs`, 'lfs', 'pull');
  t.is(await readFile(join(other, 'a.bin'), 'utf8'), 'the content of a\n');
  const asked = forge.requests.filter(({ url: path }) => path.endsWith('/batch'));
  for (const { headers } of asked) t.regex(headers.authorization ?? '', /^Basic /);
  for (const { url: path, headers } of forge.requests)
    if (path.startsWith('/lfs-store/')) t.is(headers.authorization, undefined, 'the git token stays at the forge');
  const text = await (await batch({ operation: 'download', objects: [OBJECT] })).text();
  for (const secret of [lfs.token, CREDENTIAL.password, forge.host, 'lfs-store'])
    t.false(text.includes(secret), secret);
});

const REFUSALS: [number, RegExp][] = [
  [401, /refused the git token for Git LFS/],
  [403, /does not allow this git token to upload/],
  [404, /has no LFS server for this repository/],
  [413, /does not take an object of Git LFS of this size/],
  [422, /is not valid.*odd/],
  [507, /no more room/],
];
for (const [status, words] of REFUSALS)
  test(`an LFS server that answers ${status} is explained by git-lfs`, async (t) => {
    const { push, lfs } = await scene(t);
    lfs.intercept = (_request, response) => {
      response.writeHead(status, { 'content-type': 'application/vnd.git-lfs+json' }).end('{"message":"odd\\u001b[2J"}');
      return true;
    };
    const { ok, stderr } = await push();
    t.false(ok);
    t.regex(stderr, words);
    t.is(lfs.objects.size, 0);
  });

test('an upload with other content, or of another length, never becomes an object', async (t) => {
  const { batch, lfs } = await scene(t);
  const answer = (await (await batch({ operation: 'upload', objects: [OBJECT] })).json()) as {
    objects: { actions: { upload: { href: string } } }[];
  };
  const href = answer.objects[0]?.actions.upload.href ?? '';
  for (const body of ['the content of b\n', 'short', 'the content of a\nand more']) {
    const { status } = await fetch(href, { method: 'PUT', body });
    t.is(status, 400, body);
  }
  t.is(lfs.objects.size, 0);
  t.is((await fetch(href)).status, 409, 'an upload is no download');
  t.is((await fetch(`${href.slice(0, -3)}AAA`, { method: 'PUT', body: 'x' })).status, 409);
  t.is((await fetch(href, { method: 'PUT', body: 'the content of a\n' })).status, 200);
});

test('a download of other content breaks off before its end', async (t) => {
  const { batch, lfs } = await scene(t);
  lfs.objects.set(OID, Buffer.from('the content of X\n'));
  const answer = (await (await batch({ operation: 'download', objects: [OBJECT] })).json()) as {
    objects: { actions: { download: { href: string } } }[];
  };
  await t.throwsAsync(fetch(answer.objects[0]?.actions.download.href ?? '').then((response) => response.text()));
});

test('addresses of objects are held to the rules for hosts', async (t) => {
  const { batch, lfs } = await scene(t);
  const upload = () => batch({ operation: 'upload', objects: [OBJECT] });
  for (const href of ['http://169.254.169.254/x', 'http://127.0.0.1:9/x']) {
    lfs.change = (action) => ({ ...action, href });
    const answer = (await (await upload()).json()) as { objects: { actions: { upload: { href: string } } }[] };
    const sealed = answer.objects[0]?.actions.upload.href ?? '';
    t.is((await fetch(sealed, { method: 'PUT', body: 'the content of a\n' })).status, 403, href);
  }
  for (const href of ['file:///etc/passwd', 'http://a:b@example.com/', 'x']) {
    lfs.change = (action) => ({ ...action, href });
    t.is((await upload()).status, 502, href);
  }
  lfs.change = (action) => ({ ...action, header: { 'X-Odd': 'a\r\nb: c' } });
  t.is((await upload()).status, 502);
  lfs.change = (action) => ({ ...action, header: { 'X-Long': 'x'.repeat(9_000) } });
  t.regex(await (await upload()).text(), /is too long/);
});

test('a batch is bounded, and what is no batch is refused', async (t) => {
  const { batch, lfs, server } = await scene(t);
  const many = Array.from({ length: LIMITS.lfs_objects_per_batch_max + 1 }, () => OBJECT);
  t.is((await batch({ operation: 'download', objects: many })).status, 400);
  t.is(
    (await batch({ operation: 'download', objects: [OBJECT], pad: 'x'.repeat(LIMITS.lfs_batch_bytes_max) })).status,
    413,
  );
  t.is((await batch({ operation: 'erase', objects: [OBJECT] })).status, 400);
  t.is((await batch({ operation: 'download', transfers: ['tus'], objects: [OBJECT] })).status, 400);
  t.is((await batch({ operation: 'download', objects: [OBJECT] }, '/other')).status, 404);
  t.is((await fetch(`${server.url}/info/lfs/locks`)).status, 404);
  t.is(lfs.batches.length, 0);
  const large = { oid: OID, size: LIMITS.lfs_object_bytes_max + 1 };
  t.regex(await (await batch({ operation: 'upload', objects: [large] })).text(), /up to 1024 MiB/);
});

test('what was not approved is not uploaded, and git-lfs says why', async (t) => {
  const { push, lfs } = await scene(t, { uploadApproval: () => 'not approved yet' });
  const { ok, stderr } = await push();
  t.false(ok);
  t.regex(stderr, /not approved yet/);
  t.is(lfs.batches.length, 0);
});

test('the bytes that an attempt moves are limited; what was not moved is not counted', async (t) => {
  const { batch, lfs } = await scene(t, { lfs_attempt_bytes_max: 3 * OBJECT.size - 1 });
  lfs.objects.set(OID, Buffer.from('the content of a\n'));
  const answer = (await (await batch({ operation: 'download', objects: [OBJECT] })).json()) as {
    objects: { actions: { download: { href: string } } }[];
  };
  const href = answer.objects[0]?.actions.download.href ?? '';
  lfs.intercept = (_request, response) => {
    response.writeHead(503).end();
    return true;
  };
  for (let i = 0; i < 5; i++) t.is((await fetch(href)).status, 502);
  lfs.intercept = undefined;
  for (let i = 0; i < 2; i++) t.is(await (await fetch(href)).text(), 'the content of a\n');
  t.is((await fetch(href)).status, 413);
});

test('an object of which the LFS server says nothing, or something of another size, is an error of its own', async (t) => {
  const { batch, lfs } = await scene(t);
  for (const objects of [[], [{ ...OBJECT, size: 18 }]]) {
    lfs.intercept = (_request, response) => {
      response.writeHead(200).end(JSON.stringify({ objects }));
      return true;
    };
    const answer = (await (await batch({ operation: 'download', objects: [OBJECT] })).json()) as { objects: unknown[] };
    t.like(answer.objects[0], { ...OBJECT, error: { code: 404 } });
    t.is(answer.objects.length, 1);
  }
});

test('a store that refuses an object is not said to have refused the git token, which it did not get', async (t) => {
  const { push, lfs } = await scene(t);
  lfs.intercept = ({ method }, response) => {
    if (method !== 'PUT') return false;
    response.writeHead(401).end();
    return true;
  };
  const { ok, stderr } = await push();
  t.false(ok);
  t.regex(stderr, /asks for a log-in for Git LFS, and the git token is not for it/);
});

test('a redirect of a download loses the headers for the first host, and only a few are followed', async (t) => {
  const { batch, lfs } = await scene(t);
  lfs.objects.set(OID, Buffer.from('the content of a\n'));
  const elsewhere = await startGitServer();
  t.teardown(elsewhere.close);
  const seen: IncomingHttpHeaders[] = [];
  elsewhere.intercept = ({ headers }, response) => {
    seen.push(headers);
    response.writeHead(200).end('the content of a\n');
    return true;
  };
  let [redirects, to] = [0, `${elsewhere.origin}/x`];
  lfs.intercept = ({ method }, response) => {
    if (method !== 'GET') return false;
    redirects++;
    response.writeHead(302, { location: to }).end();
    return true;
  };
  const download = async () => {
    const answer = (await (await batch({ operation: 'download', objects: [OBJECT] })).json()) as {
      objects: { actions: { download: { href: string } } }[];
    };
    return fetch(answer.objects[0]?.actions.download.href ?? '');
  };
  t.is((await download()).status, 403, 'a private address that the owner did not list');
  t.deepEqual(seen, []);
  to = '/lfs-store/again';
  redirects = 0;
  t.is((await download()).status, 502);
  t.is(redirects, 4);
});

test('an answer of an LFS server is read up to its bound', async (t) => {
  const { push, lfs } = await scene(t);
  lfs.intercept = (_request, response) => {
    response.writeHead(200).end(`{"objects":[],"pad":"${'x'.repeat(LIMITS.lfs_answer_bytes_max)}"}`);
    return true;
  };
  const { ok, stderr } = await push();
  t.false(ok);
  t.regex(stderr, /answers, but not as an LFS server/);
});

test('the number of objects that a task moves at once is limited', async (t) => {
  const { batch, lfs } = await scene(t);
  lfs.objects.set(OID, Buffer.from('the content of a\n'));
  const answer = (await (await batch({ operation: 'download', objects: [OBJECT] })).json()) as {
    objects: { actions: { download: { href: string } } }[];
  };
  const href = answer.objects[0]?.actions.download.href ?? '';
  const held: ServerResponse[] = [];
  lfs.intercept = (_request, response) => held.push(response) > 0;
  const all = Array.from({ length: LIMITS.lfs_transfers_at_once_max }, async () => (await fetch(href)).text());
  await until('all are at the forge', () => held.length === LIMITS.lfs_transfers_at_once_max);
  t.is((await fetch(href)).status, 429);
  for (const response of held) response.end('the content of a\n');
  t.deepEqual(new Set(await Promise.all(all)), new Set(['the content of a\n']));
});
