import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { ACCESS_TOKEN_S, AccessTokens } from '../../../coordinator/auth/access-tokens.ts';
import { TaskTokens } from '../../../coordinator/auth/task-tokens.ts';
import { fingerprintOfKeys, readKeys, rotateKeys } from '../../../coordinator/base/keys.ts';
import { seal, unseal } from '../../../coordinator/base/seal.ts';
import { newId } from '../../../protocol/ids.ts';
import { temporaryFolder } from '../../support/folder.ts';

const HOUR_MS = 3600_000;
const recorded = (): void => undefined;
const kidOf = (token: string): unknown =>
  JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()).kid;

test('tokens of before a rotation stay valid until they expire, in the running server and the next, and no longer', async (t) => {
  const dir = await temporaryFolder(t);
  const clock = { ms: Date.now() };
  const now = () => clock.ms;
  const keys = readKeys(dir);
  const [user_id, session, task_id] = [newId(), newId(), newId()];
  const access = new AccessTokens(keys.access, 'here', now);
  const task = new TaskTokens(keys.task, 'here', now);
  const [user_token, task_token] = [await access.sign(user_id, session), await task.issue(task_id, 1)];
  const sealed = seal(keys, 'secret', 'x');

  const ids = new Set([kidOf(user_token), kidOf(task_token)]);
  t.is(ids.size, 1);
  for (let n = 0; n < 3; n++) {
    clock.ms += 60_000;
    const id = newId();
    rotateKeys(dir, keys, { id, now: new Date(now()), record: recorded });
    ids.add(id);
  }
  t.is(ids.size, 4);
  t.is(statSync(join(dir, 'keys.json')).mode & 0o777, 0o600);
  const again = readKeys(dir);
  for (const { access: ring, task: task_ring } of [keys, again]) {
    const [users, workers] = [new AccessTokens(ring, 'here', now), new TaskTokens(task_ring, 'here', now)];
    t.like(await users.verify(user_token), { user_id, session });
    t.like(await workers.verify(task_token), { task_id, attempt: 1 });
    for (const token of [await users.sign(user_id, session), await workers.issue(task_id, 1)])
      t.is(kidOf(token), [...ids].at(-1));
  }
  t.is(unseal(again, sealed, 'x'), 'secret');

  // Whoever has stolen a key that was retired signs with it in vain once its own tokens have expired.
  const stolen = readKeys(dir);
  const old = { id: 'first', key: JSON.parse(readFileSync(join(dir, 'keys.json'), 'utf8')).retired.at(-1).access };
  clock.ms += ACCESS_TOKEN_S * 1000;
  t.is(old.id, JSON.parse(readFileSync(join(dir, 'keys.json'), 'utf8')).retired.at(-1).id);
  t.is(stolen.access.find('first', ACCESS_TOKEN_S * 1000, now()), undefined);
  await t.throwsAsync(access.verify(user_token), { code: 'unauthenticated' });
  t.like(await task.verify(task_token), { task_id }, 'a worker has its token for longer');
  clock.ms += 25 * HOUR_MS;
  await t.throwsAsync(new TaskTokens(again.task, 'here', now).verify(task_token, 10 ** 9), { code: 'unauthenticated' });
  rotateKeys(dir, keys, { id: newId(), now: new Date(now()), record: recorded });
  t.is(JSON.parse(readFileSync(join(dir, 'keys.json'), 'utf8')).retired.length, 1, 'what is no longer needed is gone');
});

test('a token that names no key, or an unknown one, is only good if the first key signed it', async (t) => {
  const dir = await temporaryFolder(t);
  const keys = readKeys(dir);
  const tokens = new AccessTokens(keys.access, 'here', Date.now);
  const [head, ...rest] = (await tokens.sign(newId(), newId())).split('.');
  t.is(kidOf(`${head}`), 'first');
  for (const kid of ['', 'second', '__proto__', 'x'.repeat(100)]) {
    const forged = Buffer.from(JSON.stringify({ alg: 'HS256', typ: 'at+jwt', kid })).toString('base64url');
    await t.throwsAsync(tokens.verify([forged, ...rest].join('.')), { code: 'unauthenticated' }, kid);
  }
});

test('a keys file of before, and one after rotations, have the fingerprint that backups name', async (t) => {
  const dir = await temporaryFolder(t);
  const keys = readKeys(dir);
  const before = fingerprintOfKeys(dir);
  for (let n = 0; n < 3; n++) rotateKeys(dir, keys, { id: newId(), now: new Date(), record: recorded });
  t.is(fingerprintOfKeys(dir), before);
  // An older server reads what it knows.
  const { access, task, seal: sealing } = JSON.parse(readFileSync(join(dir, 'keys.json'), 'utf8'));
  writeFileSync(join(dir, 'keys.json'), JSON.stringify({ access, task, seal: sealing }));
  t.deepEqual(readKeys(dir).access.newest.key, keys.access.newest.key);
});

test('keys are rotated fifty times a day at most', async (t) => {
  const dir = await temporaryFolder(t);
  const keys = readKeys(dir);
  const now = Date.now();
  for (let n = 0; n < 50; n++) rotateKeys(dir, keys, { id: newId(), now: new Date(now + n), record: recorded });
  t.throws(() => rotateKeys(dir, keys, { id: newId(), now: new Date(now + 50), record: recorded }), {
    code: 'conflict',
  });
  t.notThrows(() => rotateKeys(dir, keys, { id: newId(), now: new Date(now + 26 * HOUR_MS), record: recorded }));
});

test('keys are not rotated where that cannot be recorded', async (t) => {
  const dir = await temporaryFolder(t);
  const keys = readKeys(dir);
  const before = keys.access.newest.id;
  const record = () => {
    throw new Error('The disk is full.');
  };
  t.throws(() => rotateKeys(dir, keys, { id: newId(), now: new Date(), record }), { message: 'The disk is full.' });
  for (const each of [keys, readKeys(dir)]) t.is(each.access.newest.id, before);
});
