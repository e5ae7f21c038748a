import { SignJWT, UnsecuredJWT } from 'jose';
import test from 'ava';
import { ACCESS_TOKEN_S, AccessTokens } from '../../../coordinator/auth/access-tokens.ts';
import { WS_TICKET_S, Tickets } from '../../../coordinator/auth/tickets.ts';
import { newId } from '../../../protocol/ids.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { ErrandError } from '../../../protocol/problem.ts';

const key = new Uint8Array(32).fill(7);
const other = new Uint8Array(32).fill(8);
const [user_id, session] = [newId(), newId()];

/** A token that is good but for what `change` makes of it. */
function forge(change: { key?: Uint8Array; alg?: string; typ?: string; iss?: string; aud?: string; sid?: unknown }) {
  const { alg = 'HS256', typ = 'at+jwt', iss = 'here', aud = 'errand:user', sid = session } = change;
  return new SignJWT({ sid })
    .setProtectedHeader({ alg, typ })
    .setIssuer(iss)
    .setAudience(aud)
    .setSubject(user_id)
    .setExpirationTime('5m')
    .sign(change.key ?? key);
}

test('a token names the user and the log-in until it expires', async (t) => {
  let now = Date.now();
  const tokens = new AccessTokens(key, 'here', () => now);
  const token = await tokens.sign(user_id, session);
  const identity = await tokens.verify(token);
  t.like(identity, { user_id, session });
  t.true(Math.abs(identity.expires_at_ms - now - ACCESS_TOKEN_S * 1000) <= 1000);
  now += ACCESS_TOKEN_S * 1000;
  await t.throwsAsync(tokens.verify(token), { instanceOf: ErrandError, code: 'unauthenticated' });
});

test('a token that was not signed here for this use is refused', async (t) => {
  const tokens = new AccessTokens(key, 'here', Date.now);
  t.like(await tokens.verify(await forge({})), { user_id }, 'the forgery is good but for what each case changes');
  const cases = {
    'another key': await forge({ key: other }),
    'another algorithm': await forge({ alg: 'HS512' }),
    'another type': await forge({ typ: 'JWT' }),
    'another instance': await forge({ iss: 'there' }),
    'another audience': await forge({ aud: 'errand:task' }),
    'no log-in': await forge({ sid: 7 }),
    'no signature': new UnsecuredJWT({ sid: session })
      .setIssuer('here')
      .setAudience('errand:user')
      .setSubject(user_id)
      .setExpirationTime('5m')
      .encode(),
    'not a token': 'x.y.z',
    'too long': 'x'.repeat(100_000),
  };
  for (const [name, token] of Object.entries(cases))
    await t.throwsAsync(tokens.verify(token), { instanceOf: ErrandError, code: 'unauthenticated' }, name);
});

test('a ticket works once, for a short time', (t) => {
  let now = Date.now();
  const tickets = new Tickets(() => now);
  const identity = { user_id, session, expires_at_ms: now + 1000 };
  const ticket = tickets.issue(identity);
  t.deepEqual(tickets.redeem(ticket), identity);
  t.is(tickets.redeem(ticket), undefined);
  const late = tickets.issue(identity);
  now += WS_TICKET_S * 1000;
  t.is(tickets.redeem(late), undefined);
  t.is(tickets.redeem('unknown'), undefined);
});

const person = (name: string) => ({ user_id: name, session, expires_at_ms: Date.now() + 1000 });

test("past a person's limit their oldest ticket is void, and nobody else's", (t) => {
  const tickets = new Tickets(Date.now);
  const others = ['ann', 'bob', 'cid'].map((name) => [tickets.issue(person(name)), name] as const);
  const first = tickets.issue(person('hog'));
  const second = tickets.issue(person('hog'));
  for (let n = 0; n < LIMITS.ws_tickets_per_user_max - 1; n++) tickets.issue(person('hog'));
  t.is(tickets.redeem(first), undefined);
  t.like(tickets.redeem(second), { user_id: 'hog' });
  for (let n = 0; n < 20_000; n++) tickets.issue(person('hog'));
  for (const [ticket, user_id] of others) t.like(tickets.redeem(ticket), { user_id });
});

test("past the server's limit those with the most tickets lose theirs first", (t) => {
  const tickets = new Tickets(Date.now);
  const ann = tickets.issue(person('ann'));
  for (let n = 0; n < 20_000; n++) tickets.issue(person(`hog ${n % 400}`));
  t.like(tickets.redeem(ann), { user_id: 'ann' });
  const late = tickets.issue(person('late'));
  t.like(tickets.redeem(late), { user_id: 'late' });
});
