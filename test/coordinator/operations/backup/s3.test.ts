import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import test, { type ExecutionContext } from 'ava';
import { checksumOf } from '../../../../coordinator/operations/backup/checksum.ts';
import { nameOf } from '../../../../coordinator/operations/backup/name.ts';
import { openS3, S3_LIMITS } from '../../../../coordinator/operations/backup/s3/client.ts';
import { S3Store } from '../../../../coordinator/operations/backup/s3/store.ts';
import { temporaryFolder } from '../../../support/folder.ts';
import { startS3Stub } from '../../../support/s3-stub.ts';
import { swiftTest } from '../../../support/swift.ts';

const { signal } = new AbortController();
const limits = { idle_ms: 300, tries_max: 3 };
const PART_BYTES = 5 * 1024 * 1024;

async function file(t: ExecutionContext, bytes: number, at = new Date()) {
  const path = join(await temporaryFolder(t), 'file');
  const content = randomBytes(bytes);
  writeFileSync(path, content);
  return { name: nameOf(at, await checksumOf(path)), content, local: { path, bytes } };
}

/** Forwards connections to `target`, and flips one bit of each large chunk that it forwards. */
async function startDamagingProxy(t: ExecutionContext, target: string): Promise<string> {
  const { hostname, port } = new URL(target);
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    near.on('data', (data: Buffer) => {
      if (data.length > 10_000) data[data.length - 100] = (data.at(-100) ?? 0) ^ 1;
      far.write(data);
    });
    far.pipe(near);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const)
      one.on('error', () => other.destroy()).on('close', () => other.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

swiftTest('stores, lists, reads and removes a file in a real store', async (t, bucket) => {
  const store = new S3Store(bucket);
  t.deepEqual(await store.list(signal), []);
  const [one, other] = [await file(t, 100_000), await file(t, 1, new Date(0))];
  for (const { name, local } of [one, other]) await store.put(name, local, signal);
  t.deepEqual(
    await store.list(signal),
    [other, one].map(({ name, local }) => ({ name, bytes: local.bytes })),
  );
  t.deepEqual(await buffer(await store.get(one.name, signal)), one.content);
  await store.remove(other.name, signal);
  await store.remove(other.name, signal);
  t.deepEqual(
    (await store.list(signal)).map(({ name }) => name),
    [one.name],
  );
  await t.throwsAsync(store.get(other.name, signal), { message: /^There is no backup errand-1970/ });
});

swiftTest('sends a large file in parts, and removes the parts that a killed run left', async (t, bucket) => {
  const store = new S3Store(bucket, { part_bytes: PART_BYTES });
  const large = await file(t, 2 * PART_BYTES + 17);
  const s3 = openS3(bucket, S3_LIMITS);
  const Bucket = bucket.bucket;
  const unfinished = async () => (await s3.listMultipartUploads({ Bucket })).Uploads?.map(({ Key }) => Key);
  const killed = `errand/${nameOf(new Date(0), '00'.repeat(32))}`;
  for (const Key of [killed, 'other/upload']) await s3.createMultipartUpload({ Bucket, Key });
  t.deepEqual(await unfinished(), [killed, 'other/upload']);
  await store.put(large.name, large.local, signal);
  t.deepEqual(await store.list(signal), [{ name: large.name, bytes: large.local.bytes }]);
  t.true((await buffer(await store.get(large.name, signal))).equals(large.content));
  t.deepEqual(await unfinished(), ['other/upload']);
});

swiftTest('refusals name what to check, and no secret: a wrong secret, key or bucket', async (t, bucket) => {
  const { name, local } = await file(t, 10);
  const refused = async (change: object) =>
    (await t.throwsAsync(new S3Store({ ...bucket, ...change }).put(name, local, signal)))?.message ?? '';
  const wrong = await refused({ secret_access_key: 'sesame' });
  t.regex(wrong, /refused \(403 SignatureDoesNotMatch\): check AWS_ACCESS_KEY_ID/);
  t.notRegex(wrong, /sesame/);
  t.regex(await refused({ access_key_id: 'test:nobody' }), /refused \(403/);
  t.regex(await refused({ bucket: 'nothere' }), /has no bucket nothere/);
  t.deepEqual(await new S3Store(bucket).list(signal), []);
});

swiftTest('a store refuses a file that was damaged on the way', async (t, bucket) => {
  const endpoint = await startDamagingProxy(t, bucket.endpoint);
  const store = new S3Store({ ...bucket, endpoint }, { part_bytes: PART_BYTES });
  for (const bytes of [100_000, PART_BYTES + 100_000]) {
    const { name, local } = await file(t, bytes);
    await t.throwsAsync(store.put(name, local, signal), { message: /answered 400/ });
  }
  t.deepEqual(await store.list(signal), []);
});

test('retries temporary failures, and no refusals', async (t) => {
  const stub = await startS3Stub(t);
  const store = new S3Store(stub.destination, { limits });
  const { name, local, content } = await file(t, 1000);
  stub.fail({ status: 503, code: 'ServiceUnavailable' }, { times: 1 });
  await store.put(name, local, signal);
  stub.fail('silent', { times: 1 });
  await store.put(name, local, signal);
  t.deepEqual(stub.objects.get(`errand/${name}`), content);
  t.is(stub.requests.length, 4);
  stub.fail({ status: 500, code: 'InternalError' });
  await t.throwsAsync(store.put(name, local, signal), { message: /answered 500 InternalError\.$/ });
  t.is(stub.requests.length, 4 + limits.tries_max);
  for (const [fault, words] of [
    [{ status: 403, code: 'AccessDenied' }, /refused \(403 AccessDenied\)/],
    [{ status: 507, code: 'InsufficientStorage' }, /is full \(507/],
    [{ status: 301, code: 'PermanentRedirect' }, /check ERRAND_BACKUP_S3_REGION/],
  ] as const) {
    const before = stub.requests.length;
    stub.fail(fault);
    await t.throwsAsync(store.put(name, local, signal), { message: words });
    t.is(stub.requests.length, before + 1);
  }
});

test('gives up a store on which nothing moves: no answer, nothing read, half a download', async (t) => {
  const stub = await startS3Stub(t);
  const store = new S3Store(stub.destination, { limits });
  const slow = { message: /is too slow: nothing moved for 1 s/ };
  const large = await file(t, 20_000_000);
  await store.put(large.name, large.local, signal);
  for (const fault of ['silent', 'unread'] as const) {
    stub.fail(fault);
    await t.throwsAsync(store.put(large.name, large.local, signal), slow);
  }
  stub.fail('silent');
  await t.throwsAsync(store.list(signal), slow);
  stub.fail('stalled');
  await t.throwsAsync(
    store.get(large.name, signal).then((content) => buffer(content)),
    slow,
  );
});

test('reports a download that is cut off, and an unreachable store', async (t) => {
  const stub = await startS3Stub(t);
  const store = new S3Store(stub.destination, { limits });
  const { name, local } = await file(t, 1_000_000);
  await store.put(name, local, signal);
  stub.fail('cut');
  await t.throwsAsync(
    store.get(name, signal).then((content) => buffer(content)),
    { message: /could not be reached/ },
  );
  const nobody = new S3Store({ ...stub.destination, endpoint: 'http://127.0.0.1:1' }, { limits });
  await t.throwsAsync(nobody.list(signal), { message: /^The store at http:\/\/127\.0\.0\.1:1 could not be reached/ });
});

test('refuses answers that are not of S3 or too large', async (t) => {
  const stub = await startS3Stub(t);
  const store = new S3Store(stub.destination, { limits });
  const words = { message: /was not understood: is it S3-compatible\?$/ };
  stub.fail({ status: 200, body: '<!doctype html><html><body>Log in</body></html>' });
  await t.throwsAsync(store.list(signal), words);
  const padding = ' '.repeat(5 * 1024 * 1024);
  stub.fail({ status: 200, body: `<ListBucketResult><Name>backups</Name>${padding}</ListBucketResult>` });
  await t.throwsAsync(store.list(signal), words);
  stub.fail({ status: 502, body: '<html>Bad Gateway</html>' });
  await t.throwsAsync(store.list(signal), { message: /answered 502/ });
});

test('removing a backup that is not there is no error, whatever the store answers', async (t) => {
  const stub = await startS3Stub(t);
  const store = new S3Store(stub.destination, { limits });
  for (const status of [204, 404]) {
    stub.fail({ status, code: 'NoSuchKey' });
    await t.notThrowsAsync(store.remove('errand-x', signal));
  }
});

test('lists page by page, up to a limit', async (t) => {
  const stub = await startS3Stub(t, { page_keys: 1 });
  const store = new S3Store(stub.destination, { limits });
  const names = Array.from({ length: 100 }, (_, n) => nameOf(new Date(n), '00'.repeat(32)));
  for (const name of names) stub.objects.set(`errand/${name}`, Buffer.from('x'));
  t.deepEqual(
    (await store.list(signal)).map(({ name }) => name),
    names,
  );
  stub.objects.set('errand/one-too-many', Buffer.from('x'));
  await t.throwsAsync(store.list(signal), { message: /too many files .* a prefix of their own/ });
});

test('an aborted request ends at once', async (t) => {
  const stub = await startS3Stub(t);
  const stop = new AbortController();
  const { name, local } = await file(t, 10);
  stub.fail('silent');
  const putting = new S3Store(stub.destination).put(name, local, stop.signal);
  stop.abort();
  await t.throwsAsync(putting, { name: 'AbortError' });
});

test('a multipart upload has succeeded if only its last answer was lost', async (t) => {
  const stub = await startS3Stub(t);
  const store = new S3Store(stub.destination, { part_bytes: 1000, limits });
  const { name, local, content } = await file(t, 2500);
  const complete = { method: 'POST', query: 'uploadId' };
  stub.fail('lost', { times: 1, ...complete });
  await store.put(name, local, signal);
  t.deepEqual(stub.objects.get(`errand/${name}`), content);
  t.is(stub.requests.filter((request) => request.startsWith('POST')).length, 3);
  stub.objects.clear();
  stub.fail({ status: 404, code: 'NoSuchUpload' }, complete);
  await t.throwsAsync(store.put(name, local, signal), { message: /answered 404 NoSuchUpload/ });
  t.is(stub.requests.at(-1)?.split(' ')[0], 'DELETE');
});

test('a multipart upload has failed if the store reports an error after the status 200', async (t) => {
  const stub = await startS3Stub(t);
  const store = new S3Store(stub.destination, { part_bytes: 1000, limits });
  const { name, local } = await file(t, 2500);
  stub.fail({ status: 200, code: 'InternalError' }, { method: 'POST', query: 'uploadId' });
  await t.throwsAsync(store.put(name, local, signal), { message: /InternalError/ });
  t.is(stub.requests.at(-1)?.split(' ')[0], 'DELETE');
});
