import test from 'ava';
import { SignJWT, UnsecuredJWT } from 'jose';
import { KeyRing } from '../../../coordinator/base/key-ring.ts';
import { newId } from '../../../protocol/ids.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { TaskTokens } from '../../../coordinator/auth/task-tokens.ts';

const key = new Uint8Array(32).fill(1);
const keys = new KeyRing({ id: 'first', key });
const unauthenticated = { code: 'unauthenticated' };

test('a token names its task and attempt until it expires, cached or not', async (t) => {
  let now = 1_800_000_000_000;
  const tokens = new TaskTokens(keys, 'here', () => now);
  const task_id = newId();
  const token = await tokens.issue(task_id, 3);
  const fresh = new TaskTokens(keys, 'here', () => now);
  for (const each of [tokens, tokens, fresh]) t.like(await each.verify(token), { task_id, attempt: 3 });
  now += LIMITS.task_token_s * 1000 - 1;
  for (const each of [tokens, fresh]) t.like(await each.verify(token), { task_id });
  now += 1;
  for (const each of [tokens, fresh, new TaskTokens(keys, 'here', () => now)]) {
    await t.throwsAsync(each.verify(token), unauthenticated);
    t.like(await each.verify(token, 10), { task_id });
  }
});

test('a token is due for renewal after half of its lifetime', async (t) => {
  let now = 1_800_000_000_000;
  const tokens = new TaskTokens(keys, 'here', () => now);
  const claims = await tokens.verify(await tokens.issue(newId(), 1));
  now += LIMITS.task_token_s * 500 - 1;
  t.false(tokens.isHalfOver(claims));
  now += 1;
  t.true(tokens.isHalfOver(claims));
});

test('a token that left the cache is verified again, and others stay in the cache', async (t) => {
  const tokens = new TaskTokens(keys, 'here');
  const [a, b] = [newId(), newId()];
  const kept = await tokens.issue(b, 1);
  const dropped = await tokens.issue(a, 1);
  const keptBefore = await tokens.verify(kept);
  const droppedBefore = await tokens.verify(dropped);
  tokens.forget(a, 1);
  tokens.forget(b, 2);
  t.is(await tokens.verify(kept), keptBefore);
  const again = await tokens.verify(dropped);
  t.deepEqual(again, droppedBefore);
  t.not(again, droppedBefore);
});

test('a token that was not signed here, for this use and with this algorithm, is refused', async (t) => {
  const tokens = new TaskTokens(keys, 'here');
  const sub = newId();
  const make = (
    change: {
      alg?: string;
      typ?: string;
      iss?: string;
      aud?: string;
      sub?: string;
      att?: unknown;
      key?: Uint8Array;
    } = {},
  ) =>
    new SignJWT({ att: 'att' in change ? change.att : 1 })
      .setProtectedHeader({ alg: change.alg ?? 'HS256', typ: change.typ ?? 'task+jwt' })
      .setIssuer(change.iss ?? 'here')
      .setAudience(change.aud ?? 'errand:task')
      .setSubject(change.sub ?? sub)
      .setIssuedAt()
      .setExpirationTime('1h')
      .sign(change.key ?? (change.alg === 'HS512' ? new Uint8Array(64).fill(1) : key));
  t.like(await tokens.verify(await make()), { task_id: sub });
  const good = await make();
  const [head = '', payload = '', signature = ''] = good.split('.');
  const forged = Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(payload, 'base64url').toString()), att: 2 }));
  const bad = {
    'another key': await make({ key: new Uint8Array(32).fill(2) }),
    'another algorithm': await make({ alg: 'HS512' }),
    'another type, as of a person': await make({ typ: 'at+jwt' }),
    'another server': await make({ iss: 'there' }),
    'another audience': await make({ aud: 'errand:user' }),
    'no task': await make({ sub: 'x' }),
    'no attempt': await make({ att: undefined }),
    'a fraction of an attempt': await make({ att: 1.5 }),
    'no expiry': await new SignJWT({ att: 1 })
      .setProtectedHeader({ alg: 'HS256', typ: 'task+jwt' })
      .setIssuer('here')
      .setAudience('errand:task')
      .setSubject(sub)
      .setIssuedAt()
      .sign(key),
    'no signature': new UnsecuredJWT({ att: 1 }).setSubject(sub).setIssuer('here').setAudience('errand:task').encode(),
    'another attempt written in': `${head}.${forged.toString('base64url')}.${signature}`,
    'nothing at all': '',
    rubbish: 'a.b.c',
  };
  for (const [name, token] of Object.entries(bad)) await t.throwsAsync(tokens.verify(token), unauthenticated, name);
});

test('the cache of verified tokens is limited', async (t) => {
  const tokens = new TaskTokens(keys, 'here');
  const task_id = newId();
  const first = await tokens.issue(task_id, 1);
  const before = await tokens.verify(first);
  t.is(await tokens.verify(first), before);
  for (let attempt = 2; attempt <= 10_001; attempt++) await tokens.verify(await tokens.issue(task_id, attempt));
  t.not(await tokens.verify(first), before);
});
