import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { AuditChain } from '../../../coordinator/cli/audit-chain.ts';
import { appendAudit } from '../../../coordinator/sqlite/audit.ts';
import { AUDIT_ACTIONS, type AuditAction, type AuditEntry } from '../../../protocol/audit.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import type { RouteName } from '../../../protocol/routes.ts';
import { Api, type UncheckedRequest } from '../../support/api.ts';
import { PASSWORD, startApi } from '../../support/start-api.ts';
import { NIGHTLY } from '../../support/schedules/scene.ts';
import { sendErrand } from '../../support/send-errand.ts';

const repo_url = 'https://forge.example/a/b';
const SECRET = 'sesame-open-up';

async function setUp(t: ExecutionContext) {
  const server = await startApi(t, { ERRAND_MEMBER_BUDGET_USD_MAX: '100' });
  const [owner, bob] = [await server.person('ann@example.org'), await server.person('bob@example.org')];
  const all = async (): Promise<AuditEntry[]> =>
    (await owner.api.call('listAudit', { query: { after: 0, limit: 200 } })).items;
  /** The entries that `act` adds. */
  const added = async (act: () => Promise<unknown>): Promise<AuditEntry[]> => {
    const before = (await all()).length;
    await act();
    return (await all()).slice(before);
  };
  return { server, owner, bob, all, added };
}

/** What Bob does, and the entries of it: the action, and facts of the detail. */
const DEEDS: Record<string, (bob: Awaited<ReturnType<typeof setUp>>['bob'], url: string) => Promise<unknown>> = {
  'login.succeeded': (_, url) => new Api(url).call('login', { body: { email: 'bob@example.org', password: PASSWORD } }),
  'login.failed': (_, url) =>
    new Api(url).refused('login', { body: { email: 'bob@example.org', password: 'a guess' } }),
  'login.ended': ({ api, session }) => api.call('logout', { body: { refresh_token: session.refresh_token } }),
  'password.changed': ({ api }) =>
    api.call('changePassword', { body: { old_password: PASSWORD, new_password: `${SECRET} and more` } }),
  'token.created': ({ api }) => api.call('createToken', { body: { name: 'ci', scopes: ['read'], expires_in_days: 1 } }),
  'project.created secrets.set': ({ api }) =>
    api.call('createProject', { body: { name: 'P', repo_url, git_token: SECRET, secrets: { API_KEY: SECRET } } }),
  'project.created': ({ api }) => api.call('createProject', { body: { name: 'P', repo_url } }),
  'account.removed': ({ api }) => api.call('deleteMe', { body: { password: PASSWORD } }),
};

for (const [actions, act] of Object.entries(DEEDS))
  test(`the audit log has ${actions}, by whom and from where, and no secret`, async (t) => {
    const { server, bob, added } = await setUp(t);
    const entries = (await added(() => act(bob, server.url))).filter(
      ({ action }) => actions.includes(action) || action !== 'login.ended',
    );
    t.deepEqual(
      entries
        .map(({ action }) => action)
        .sort()
        .join(' '),
      actions,
    );
    for (const { action, email, user_id, address, detail } of entries) {
      t.is(email, 'bob@example.org');
      t.is(user_id, action === 'login.failed' ? null : bob.session.user.id);
      t.is(address, action === 'login.ended' ? null : '127.0.0.1');
      t.false(JSON.stringify(detail).includes('sesame'));
    }
  });

test('what is done to a thing names the thing: projects, tokens, errands, log-ins, other accounts', async (t) => {
  const { owner, bob, added, all } = await setUp(t);
  const { api } = bob;
  const { id } = await api.call('createProject', { body: { name: 'P', repo_url, secrets: { API_KEY: SECRET } } });
  const task = await sendErrand(api);
  const token = await api.call('createToken', { body: { name: 'ci', scopes: ['tasks'], expires_in_days: 1 } });
  const deeds: [act: () => Promise<unknown>, entries: Partial<AuditEntry>[]][] = [
    [
      () => api.call('patchProject', { params: { id }, body: { egress: 'open', secrets: { API_KEY: null } } }),
      [
        { action: 'project.changed', subject: id, detail: { fields: ['egress', 'secrets'] } },
        { action: 'secrets.set', subject: id, detail: { names: [], git_token: false } },
      ],
    ],
    [() => api.call('deleteProject', { params: { id } }), [{ action: 'project.removed', subject: id }]],
    [
      () => api.call('createMessage', { params: task, body: { text: 'go on', budget_usd: 50 } }),
      [{ action: 'budget.approved', subject: task.id, detail: { budget_usd: 50 } }],
    ],
    [
      () => new Api(api.url, token.token).call('createMessage', { params: task, body: { text: 'x', budget_usd: 60 } }),
      [{ action: 'budget.approved', subject: task.id, detail: { budget_usd: 60, token: token.id } }],
    ],
    [() => api.call('createMessage', { params: task, body: { text: 'go on' } }), []],
    [() => api.call('deleteToken', { params: token }), [{ action: 'token.revoked', subject: token.id }]],
    [
      () => owner.api.call('resetPassword', { body: { email: 'bob@example.org' } }),
      [
        { action: 'login.ended', user_id: bob.session.user.id, detail: { why: 'the password was reset' } },
        { action: 'password.reset', user_id: owner.session.user.id, subject: bob.session.user.id },
      ],
    ],
  ];
  for (const [act, expected] of deeds) {
    const entries = await added(act);
    t.is(entries.length, expected.length);
    for (const [n, entry] of expected.entries()) t.like(entries[n], entry);
  }
  for (const { action } of await all()) t.true(action in AUDIT_ACTIONS, action);
});

test('channels, schedules, invitations and blocks are in the log, with who did it and to what', async (t) => {
  const { owner, bob, added } = await setUp(t);
  const params: Record<string, { id: string }> = { bob: bob.session.user };
  const make = async (name: string, made: Promise<{ id: string }>) => void (params[name] = { id: (await made).id });
  const of = (name: string) => ({ params: params[name] ?? { id: '' } });
  const channel = { kind: 'webhook', name: 'Bot', url: 'https://hooks.example.org/hook' } as const;
  const deeds: [AuditAction, subject: string, by: typeof bob, act: () => Promise<unknown>][] = [
    ['channel.created', 'channel', bob, () => make('channel', bob.api.call('createChannel', { body: channel }))],
    ['channel.removed', 'channel', bob, () => bob.api.call('deleteChannel', of('channel'))],
    ['schedule.created', 'schedule', bob, () => make('schedule', bob.api.call('createSchedule', { body: NIGHTLY }))],
    [
      'schedule.changed',
      'schedule',
      bob,
      () => bob.api.call('patchSchedule', { ...of('schedule'), body: { name: 'N' } }),
    ],
    ['schedule.removed', 'schedule', bob, () => bob.api.call('deleteSchedule', of('schedule'))],
    ['invite.created', 'invite', owner, () => make('invite', owner.api.call('createInvite', { body: {} }))],
    ['invite.revoked', 'invite', owner, () => owner.api.call('deleteInvite', of('invite'))],
    ['account.blocked', 'bob', owner, () => owner.api.call('blockPerson', of('bob'))],
    ['account.unblocked', 'bob', owner, () => owner.api.call('unblockPerson', of('bob'))],
  ];
  for (const [action, subject, by, act] of deeds) {
    const entry = (await added(act)).find((one) => one.action === action);
    t.like(entry, { subject: params[subject]?.id, user_id: by.session.user.id, address: '127.0.0.1' }, action);
  }
});

test('a deed that is refused or rolled back leaves no entry, and a repeat with its key no second one', async (t) => {
  const { bob, added } = await setUp(t);
  const { api } = bob;
  const body = { name: 'P', repo_url };
  const headers = { 'idempotency-key': 'once' };
  t.is((await added(() => api.call('createProject', { body, headers }))).length, 1);
  t.deepEqual(await added(() => api.call('createProject', { body, headers })), []);
  t.deepEqual(await added(() => api.refused('createProject', { body })), []);
  t.deepEqual(
    await added(() => new Api(api.url).refused('login', { body: { email: 'no@example.org', password: 'x' } })),
    [],
  );
});

test('only the owner reads it, page by page in both directions, and all pages together are the chain', async (t) => {
  const { server, owner, bob, all } = await setUp(t);
  t.is((await bob.api.refused('listAudit', {})).code, 'forbidden');
  t.is((await bob.api.refused('rotateKeys', {})).code, 'forbidden');
  server.log.write((tx) => {
    for (let n = 0; n < 100; n++) appendAudit(tx.db, { action: 'host.reached', detail: { n } });
  });
  const whole = await all();
  const ids = whole.map(({ id }) => id);
  t.deepEqual(
    ids,
    ids.map((_, n) => n + 1),
  );
  const read = async (first: { after: number } | object, direction: 'after' | 'before') => {
    const items: AuditEntry[] = [];
    let query: Record<string, number> = { limit: 7, ...first };
    for (;;) {
      const page = await owner.api.call('listAudit', { query });
      items.push(...page.items);
      if (page.next_cursor === null) return items;
      query = { limit: 7, [direction]: page.next_cursor };
    }
  };
  t.deepEqual(await read({ after: 0 }, 'after'), whole);
  t.deepEqual(await read({}, 'before'), whole.toReversed());
  const chain = new AuditChain();
  for (const entry of whole) chain.add(entry);
  t.is(chain.verified?.count, whole.length);
});

test('the log keeps its newest entries, and what is kept is still a chain', async (t) => {
  const { server, owner } = await setUp(t);
  const { db } = server.log;
  db.prepare('DELETE FROM audit').run();
  db.prepare(
    `INSERT INTO audit (id, at, action, detail, previous_hash, hash)
     WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 501998) SELECT i, '2026-01-01T00:00:00.000Z', 'x', '{}', '', '' FROM n`,
  ).run();
  server.log.write((tx) => {
    for (let n = 0; n < 3; n++) appendAudit(tx.db, { action: 'host.reached', detail: { long: 'x'.repeat(100_000) } });
  });
  t.is(db.prepare('SELECT count(*) FROM audit').pluck().get(), 500_002, 'with the entry that says so');
  const { items } = await owner.api.call('listAudit', { query: { limit: 3 } });
  t.deepEqual(
    items.map(({ id }) => id),
    [502_002, 502_001, 502_000],
  );
  t.is(items[1]?.action, 'audit.cut');
  t.true(JSON.stringify(items[0]?.detail).length < 5_000, 'a long detail is cut');
  const chain = new AuditChain();
  for (const entry of items.toReversed()) chain.add(entry);
  t.is(chain.verified?.count, 3);
});

test('keys are not rotated where the audit log cannot tell of it', async (t) => {
  const { server, owner } = await setUp(t);
  const { id } = await owner.api.call('createProject', { body: { name: 'P', repo_url } });
  const change = () => owner.api.send('patchProject', { params: { id }, body: { egress: 'open' } });
  await Promise.all(Array.from({ length: LIMITS.audited_acts_per_day_max }, change));
  const file = () => readFileSync(join(server.data_dir, 'keys.json'), 'utf8');
  const before = [file(), server.keys.access.newest.id];
  t.is((await owner.api.refused('rotateKeys', {})).code, 'rate_limited');
  t.deepEqual([file(), server.keys.access.newest.id], before);
});

test('a person who changes too much is refused, by the day and by the minute, and may still delete', async (t) => {
  const { server, bob, owner } = await setUp(t);
  const { api } = bob;
  const { id } = await api.call('createProject', { body: { name: 'P', repo_url } });
  const task = await sendErrand(api);
  /** Does it until it is refused, and counts how often it was not. */
  const repeat = async (name: RouteName, request: UncheckedRequest) => {
    for (let done = 0; ; done += 50) {
      const answers = await Promise.all(Array.from({ length: 50 }, () => api.send(name, request)));
      const good = answers.filter(({ ok }) => ok).length;
      if (good < 50) return { done: done + good, status: answers.at(-1)?.status };
    }
  };
  const changes = await repeat('patchProject', { params: { id }, body: { egress: 'open' } });
  t.deepEqual(changes, { done: LIMITS.audited_acts_per_day_max - 1, status: 429 });
  const recorded = server.db.prepare(`SELECT count(*) FROM audit WHERE user_id = ?`).pluck();
  t.true(Number(recorded.get(bob.session.user.id)) <= LIMITS.audited_acts_per_day_max + 2);
  const messages = await repeat('patchTask', { params: task, body: { archived: false } });
  t.is(messages.status, 429);
  t.true(messages.done < 500, `${messages.done}`);
  await api.call('deleteProject', { params: { id } });
  await owner.api.call('createProject', { body: { name: 'O', repo_url } });
});
