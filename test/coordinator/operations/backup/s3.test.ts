import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import test, { type ExecutionContext } from 'ava';
import { checksumOf } from '../../../../coordinator/operations/backup/checksum.ts';
import { nameOf } from '../../../../coordinator/operations/backup/name.ts';
import { S3Client } from '../../../../coordinator/operations/backup/s3/client.ts';
import { S3Store } from '../../../../coordinator/operations/backup/s3/store.ts';
import { elements } from '../../../../coordinator/operations/backup/s3/xml.ts';
import { temporaryFolder } from '../../../support/folder.ts';
import { startS3Stub } from '../../../support/s3-stub.ts';
import { swiftTest } from '../../../support/swift.ts';

const { signal } = new AbortController();
const QUICK = { idle_ms: 300, retry_ms: [1, 1] };
const PART_BYTES = 5 * 1024 * 1024;

async function file(t: ExecutionContext, bytes: number, at = new Date()) {
  const path = join(await temporaryFolder(t), 'file');
  const content = randomBytes(bytes);
  writeFileSync(path, content);
  const sha256 = await checksumOf(path);
  return { name: nameOf(at, sha256), content, local: { path, bytes, sha256 } };
}

swiftTest('keeps a file in a real store, lists it, gives it back and removes it', async (t, bucket) => {
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

swiftTest('sends a large file in parts, and clears away what a killed upload left', async (t, bucket) => {
  const store = new S3Store(bucket, { part_bytes: PART_BYTES });
  const large = await file(t, 2 * PART_BYTES + 17);
  const client = new S3Client(bucket);
  const unfinished = async () =>
    elements((await client.ask({ method: 'GET', query: { uploads: '' } }, signal)).text, 'Key');
  const killed = `errand/${nameOf(new Date(0), '00'.repeat(32))}`;
  for (const key of [killed, 'other/upload']) await client.ask({ method: 'POST', key, query: { uploads: '' } }, signal);
  t.deepEqual(await unfinished(), [killed, 'other/upload']);
  await store.put(large.name, large.local, signal);
  t.deepEqual(await store.list(signal), [{ name: large.name, bytes: large.local.bytes }]);
  t.true((await buffer(await store.get(large.name, signal))).equals(large.content));
  t.deepEqual(await unfinished(), ['other/upload']);
});

swiftTest(
  'a wrong secret, an unknown key and a wrong bucket are refused, in words without a secret',
  async (t, bucket) => {
    const { name, local } = await file(t, 10);
    const refused = async (change: object) =>
      (await t.throwsAsync(new S3Store({ ...bucket, ...change }).put(name, local, signal)))?.message ?? '';
    const wrong = await refused({ secret_access_key: 'sesame' });
    t.regex(wrong, /refused \(403 SignatureDoesNotMatch\): check AWS_ACCESS_KEY_ID/);
    t.notRegex(wrong, /sesame/);
    t.regex(await refused({ access_key_id: 'test:nobody' }), /refused \(403/);
    t.regex(await refused({ bucket: 'nothere' }), /has no bucket nothere/);
    t.deepEqual(await new S3Store(bucket).list(signal), []);
  },
);

swiftTest('a body that is not what its checksum says is not kept', async (t, bucket) => {
  const store = new S3Store(bucket, { patience: QUICK });
  const { name, local } = await file(t, 1000);
  writeFileSync(local.path, randomBytes(1000));
  await t.throwsAsync(store.put(name, local, signal), { message: /answered 400/ });
  t.deepEqual(await store.list(signal), []);
});

test('what may go better in a moment is tried again, and what is refused is not', async (t) => {
  const stub = await startS3Stub(t);
  const store = new S3Store(stub.destination, { patience: QUICK });
  const { name, local, content } = await file(t, 1000);
  stub.fail({ status: 503, code: 'SlowDown' }, { times: 2 });
  await store.put(name, local, signal);
  t.deepEqual(stub.objects.get(`errand/${name}`), content);
  t.is(stub.requests.length, 3);
  stub.fail({ status: 500, code: 'InternalError' });
  await t.throwsAsync(store.put(name, local, signal), { message: /answered 500 InternalError\.$/ });
  t.is(stub.requests.length, 6);
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

test('a store that does not move is given up: without an answer, and without reading', async (t) => {
  const stub = await startS3Stub(t);
  const store = new S3Store(stub.destination, { patience: QUICK });
  for (const fault of ['silent', 'unread'] as const) {
    const { name, local } = await file(t, fault === 'unread' ? 20_000_000 : 10);
    stub.fail(fault, { times: 1 });
    await t.throwsAsync(store.put(name, local, signal), { message: /is too slow: nothing moved for 1 s/ });
  }
  stub.fail('silent', { times: 1 });
  await t.throwsAsync(store.list(signal), { message: /too slow/ });
});

test('a download that is cut off is an error, and no store at all is one in words', async (t) => {
  const stub = await startS3Stub(t);
  const store = new S3Store(stub.destination, { patience: QUICK });
  const { name, local } = await file(t, 1_000_000);
  await store.put(name, local, signal);
  stub.fail('cut', { times: 1 });
  await t.throwsAsync(
    store.get(name, signal).then((content) => buffer(content)),
    { message: /could not be reached/ },
  );
  const nobody = new S3Store({ ...stub.destination, endpoint: 'http://127.0.0.1:1' }, { patience: QUICK });
  await t.throwsAsync(nobody.list(signal), { message: /^The store at http:\/\/127\.0\.0\.1:1 could not be reached/ });
});

test('stops when it is told to', async (t) => {
  const stub = await startS3Stub(t);
  const stop = new AbortController();
  const { name, local } = await file(t, 10);
  stub.fail('silent');
  const putting = new S3Store(stub.destination).put(name, local, stop.signal);
  stop.abort();
  await t.throwsAsync(putting, { name: 'AbortError' });
});

test('an upload whose last answer was lost is there, and no failure', async (t) => {
  const stub = await startS3Stub(t);
  const store = new S3Store(stub.destination, { part_bytes: 1000, patience: QUICK });
  const { name, local, content } = await file(t, 2500);
  const complete = { method: 'POST', query: 'uploadId' };
  stub.fail('lost', { times: 1, ...complete });
  await store.put(name, local, signal);
  t.deepEqual(stub.objects.get(`errand/${name}`), content);
  t.is(stub.requests.filter((request) => request.startsWith('POST')).length, 3);
  stub.objects.clear();
  stub.fail({ status: 404, code: 'NoSuchUpload' }, complete);
  await t.throwsAsync(store.put(name, local, signal), { message: /does not have it \(404 NoSuchUpload\)/ });
});
