import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { newWorkerName } from '../../../coordinator/workers/worker-name.ts';
import type { Workspaces } from '../../../coordinator/workers/workspaces.ts';
import type { Db } from '../../../coordinator/sqlite/database.ts';
import { putDiff } from '../../../coordinator/sqlite/diffs.ts';
import { setWorkspace } from '../../../coordinator/sqlite/workspaces.ts';
import { newId } from '../../../protocol/ids.ts';
import { CLOSE } from '../../../protocol/socket.ts';
import { Api } from '../../support/api.ts';
import { startAttempt } from '../../support/fixtures.ts';
import { PASSWORD, startApi, type StartedApi } from '../../support/start-api.ts';
import { addSpending } from '../../../coordinator/sqlite/spending.ts';
import { TestClient } from '../../support/test-client.ts';
import { startDeletion } from '../../support/deletion-scene.ts';

const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
const repo_url = 'https://forge.example/a/b';
const ENDED = { status: 'succeeded' as const, attempt: 1, ended_at: '2026-01-02T03:04:05.678Z' };

const countOf = (db: Db, table: string): number => Number(db.prepare(`SELECT count(*) FROM ${table}`).pluck().get());

/**
 * The number of rows of each table that contain one of these words. It includes tables that are added later. The audit
 * log keeps what deleted accounts did.
 */
function mentions(db: Db, words: string[]): Record<string, number> {
  const tables = db
    .prepare(`SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'audit'`)
    .pluck();
  return Object.fromEntries(
    (tables.all() as string[]).map((table) => {
      const rows = db.prepare(`SELECT * FROM ${table}`).all();
      return [table, rows.filter((row) => words.some((word) => JSON.stringify(row).includes(word))).length];
    }),
  );
}

/**
 * Tables without rows of a person: facts of the server, the index of the search, which has no text to find, what
 * forges have sent, which is forgotten after a while, and until when a repository was looked through for missed events,
 * which is forgotten at the next look if no project reacts to it any more.
 */
const IMPERSONAL = /^(meta|removed|subscribers|spending_days|search|search_.*|forges|deliveries|heard_repositories)$/;

/** Rows of every table that no call of the test makes. */
function fillTables(db: Db, user_id: string, task_id: string): void {
  const insert = (table: string, row: Record<string, string | number | null>) => {
    const names = Object.keys(row);
    db.prepare(`INSERT INTO ${table} (${names.join()}) VALUES (${names.map((name) => `:${name}`).join()})`).run(row);
  };
  const [id, at] = [newId(), ENDED.ended_at];
  const file = { name: 'a.png', media_type: 'image/png', bytes: 1, sha256: 'x', created_at: at };
  insert('attachments', { user_id, id, ...file, task_id });
  const channel = { kind: 'ntfy', name: 'n', host: 'h', address: 'sealed', occasions: '[]', created_at: at };
  insert('channels', { id, user_id, ...channel });
  const told = { event_id: 1, occasion: 'done', subject: 's', created_at: at, tries: 0 };
  insert('notifications', { id, channel_id: id, task_id, ...told });
  insert('muted_tasks', { task_id });
  insert('needs', { id, task_id, kind: 'question', ref: 'q', body: '{}', asked_at: at, closed_at: at });
  insert('read_marks', { task_id, event_id: 1 });
  insert('tombstones', { user_id, task_id, event_id: 1 });
  insert('task_pushes', { task_id, repository: '', commit_id: 'c'.repeat(40) });
  insert('handed_secrets', { task_id, sealed: 'sealed' });
  insert('task_repositories', { task_id, n: 1, key: 'web', repo_url });
  fillForgeTables(insert, { id, user_id, task_id, at });
}

type Insert = (table: string, row: Record<string, string | number | null>) => void;

function fillForgeTables(insert: Insert, given: { id: string; user_id: string; task_id: string; at: string }): void {
  const { id, user_id, task_id, at } = given;
  const secrets = { secrets: 'sealed', created_at: at };
  insert('forges', { id, kind: 'github', origin: `https://${id}.example`, ...secrets });
  const link = { issuer: 'https://forge.example', subject: id, login: 'ada', created_at: at };
  insert('linked_accounts', { id, user_id, forge_id: id, ...link });
  const pull = { title: 't', state: 'opening', draft: 0, author: 'app', wished_author: 'app', head_branch: 'b' };
  const looked = {
    origin: 'https://forge.example',
    head_commit: 'c'.repeat(40),
    created_at: at,
    updated_at: at,
    wished_at: at,
  };
  insert('pulls', { id, task_id, repo_url, ...pull, ...looked });
  const thread = { forge_id: id, number: 1 };
  insert('forge_requests', { ...thread, repository_id: '1', source: id, user_id, task_id, created_at: at });
  insert('forge_words', { ...thread, id, user_id, task_id, kind: 'status', repo_url, body: 'b', created_at: at });
  insert('follow_ups', { task_id });
  insert('follow_up_items', { ...thread, task_id, n: 1 });
  const times = { handled_until: at, next_at: at, created_at: at, updated_at: at };
  const schedule = { name: 'n', prompt: 'p', cron: '0 3 * * *', time_zone: 'UTC', failures: 0 };
  insert('schedules', { id, user_id, ...schedule, ...times });
  insert('schedule_runs', { schedule_id: id, due_at: at, by_hand: 0, task_id, created_at: at });
}

const nothing = (found: Record<string, number>) => Object.values(found).every((rows) => rows === 0);

/** Creates a user with rows in every table and a workspace. `words` find these rows. */
async function personWithEverything(t: ExecutionContext, server: StartedApi, workspaces: Workspaces) {
  const { db, log } = server;
  const { api, session } = await server.person();
  const { id: user_id, email } = session.user;
  const project = await api.call('createProject', { body: { name: 'P', repo_url, git_token: 'secret' } });
  const task = await api.call('createTask', {
    body: { prompt: 'x', project_id: project.id },
    headers: { 'idempotency-key': 'k' },
  });
  const loose = await api.call('createTask', { body: { prompt: 'y', repo_url } });
  await api.call('createMessage', { params: task, body: { text: 'Be quick.' } });
  await api.call('createToken', { body: { name: 'ci', scopes: ['read'], expires_in_days: 1 } });
  startAttempt(log, task.id, newWorkerName());
  const workspace = newWorkerName();
  mkdirSync(join(workspaces.make(workspace, owner), 'repo'));
  writeFileSync(join(workspaces.path(workspace), 'repo', 'file'), 'x');
  putDiff(db, task.id, { diff: 'diff', truncated: false });
  setWorkspace(db, task.id, workspace);
  addSpending(db, user_id, '2026-11', 1);
  fillTables(db, user_id, task.id);
  await api.call('createLoginLink', {});
  db.prepare(
    `INSERT INTO open_requests
       (task_id, attempt, model, input_tokens, cache_write_tokens, cache_read_tokens, prompt_usd, max_tokens, output_usd, at)
     VALUES (?, 1, 'm', 1, 0, 0, 1, 1, 1, '')`,
  ).run(task.id);
  db.prepare(`UPDATE tasks SET status = 'failed', ended_at = ? WHERE user_id = ?`).run(ENDED.ended_at, user_id);
  const guess = new Api(server.url);
  await guess.refused('login', { body: { email, password: 'a wrong one, and long' } });
  await guess.call('login', { body: { email, password: PASSWORD } });
  await guess.refused('login', { body: { email, password: 'a wrong one, and long' } });
  const words = [user_id, email, project.id, task.id, loose.id];
  return { api, session, user_id, email, project, task, loose, workspace, words };
}

test('nothing of a deleted user is left on disk or in any table but the audit log, and other users are not affected', async (t) => {
  const server = await startApi(t);
  const { workspaces, deletion } = await startDeletion(t, server.log);
  const stays = await personWithEverything(t, server, workspaces);
  const goes = await personWithEverything(t, server, workspaces);
  const before = mentions(server.db, goes.words);
  for (const [table, rows] of Object.entries(before))
    t.is(rows > 0, !IMPERSONAL.test(table), `the test covers the table ${table}`);
  const others = mentions(server.db, stays.words);
  await goes.api.call('deleteMe', { body: { password: PASSWORD } });
  t.true(await deletion.sweep());
  t.true(nothing(mentions(server.db, goes.words)), JSON.stringify(mentions(server.db, goes.words)));
  t.deepEqual(mentions(server.db, stays.words), others);
  t.deepEqual(workspaces.list(), [stays.workspace]);
  t.is((await stays.api.call('getTask', { params: stays.task })).id, stays.task.id);
});

test('a deleted project goes with its tasks, logs, workspaces and secrets; other tasks stay', async (t) => {
  const server = await startApi(t);
  const { workspaces, deletion } = await startDeletion(t, server.log);
  const person = await personWithEverything(t, server, workspaces);
  // The stored response of the request that created the task expires by age.
  server.db.exec('DELETE FROM idempotency_keys');
  const [secrets] = server.db.prepare('SELECT secrets FROM projects').pluck().all();
  await person.api.call('deleteProject', { params: person.project });
  t.true(await deletion.sweep());
  const left = mentions(server.db, [person.project.id, person.task.id, String(secrets)]);
  // Tombstones tell clients that were away of the removed tasks, and a schedule keeps the id of what it has started.
  t.true(nothing({ ...left, tombstones: 0, schedule_runs: 0 }), JSON.stringify(left));
  t.deepEqual(workspaces.list(), []);
  t.is((await person.api.call('getTask', { params: person.loose })).id, person.loose.id);
});

test('an active task cannot be deleted; an ended one is hidden at once and goes with its workspace', async (t) => {
  const server = await startApi(t);
  const { workspaces, deletion } = await startDeletion(t, server.log);
  const { api, task, loose } = await personWithEverything(t, server, workspaces);
  await api.call('retryTask', { params: loose });
  t.is((await api.refused('deleteTask', { params: loose })).code, 'conflict');
  await api.call('deleteTask', { params: task });
  t.true(server.told.includes('removed'));
  const calls = ['getTask', 'listEvents', 'getDiff', 'cancelTask', 'retryTask', 'deleteTask'] as const;
  for (const name of calls) t.is((await api.refused(name, { params: task })).code, 'not_found', name);
  const message = await api.refused('createMessage', { params: task, body: { text: 'Go on.' } });
  t.is(message.code, 'not_found');
  t.deepEqual(
    (await api.call('listTasks', {})).items.map(({ id }) => id),
    [loose.id],
  );
  t.true(await deletion.sweep());
  t.is(countOf(server.db, 'tasks'), 1);
  t.deepEqual(workspaces.list(), []);
});

test('deleting an account takes its password and no active task; its email address is free at once', async (t) => {
  const server = await startApi(t);
  await server.person();
  const { api, session } = await server.person('bob@example.org');
  const body = { password: PASSWORD };
  const wrong = await api.refused('deleteMe', { body: { password: 'a wrong one, and long' } });
  t.is(wrong.code, 'wrong_credentials');
  const task = await api.call('createTask', { body: { prompt: 'x', repo_url } });
  t.is((await api.refused('deleteMe', { body })).code, 'conflict');
  await api.call('cancelTask', { params: task });

  const elsewhere = await new Api(server.url).call('login', { body: { email: 'bob@example.org', password: PASSWORD } });
  const protocols = ['errand.v1', `bearer.${elsewhere.access_token}`];
  const socket = new TestClient(`${server.url.replace('http', 'ws')}/ws`, session.user.id, protocols);
  await socket.until(() => socket.of('hello').length === 1);
  await api.call('deleteMe', { body });
  await socket.until(() => socket.closed !== undefined);
  t.is(socket.closed?.code, CLOSE.unauthenticated);
  for (const token of [session.access_token, elsewhere.access_token])
    t.is((await new Api(server.url, token).refused('me', {})).code, 'unauthenticated');
  const { refresh_token } = elsewhere;
  t.is((await api.refused('refresh', { body: { refresh_token } })).code, 'unauthenticated');
  const again = { email: 'bob@example.org', password: PASSWORD };
  t.is((await api.refused('login', { body: again })).code, 'wrong_credentials');

  const anew = await new Api(server.url).call('signup', { body: again });
  t.not(anew.user.id, session.user.id);
  t.deepEqual((await new Api(server.url, anew.access_token).call('listTasks', {})).items, []);
});

test('a request whose body arrives after its account was removed does nothing', async (t) => {
  const server = await startApi(t);
  await server.person();
  const { api, session } = await server.person();
  const request = httpRequest(`${server.url}/task`, {
    method: 'POST',
    headers: { authorization: `Bearer ${session.access_token}`, 'content-type': 'application/json' },
  });
  const [answered, seen] = [once(request, 'response'), once(server.http, 'request')];
  request.write('{"prompt":"x",');
  await seen;
  await api.call('deleteMe', { body: { password: PASSWORD } });
  request.end(`"repo_url":"${repo_url}"}`);
  const [response] = (await answered) as [IncomingMessage];
  t.is(response.statusCode, 401);
  response.resume();
  await once(response, 'end');
  t.is(countOf(server.db, 'tasks'), 0);
});

test('guessing the password of a logged-in account is rate-limited like a login', async (t) => {
  const server = await startApi(t);
  await server.person();
  const { api } = await server.person();
  const body = { password: 'a wrong one, and long' };
  // After the fifth failure each one doubles the wait, from one second. A slow machine reaches the limit later.
  const codes: string[] = [];
  while (codes.length < 12 && !codes.includes('rate_limited'))
    codes.push((await api.refused('deleteMe', { body })).code);
  t.deepEqual([...new Set(codes)], ['wrong_credentials', 'rate_limited']);
});

test("the owner's account cannot be deleted, and sign-up stays closed", async (t) => {
  const server = await startApi(t, { ERRAND_SIGNUP: 'closed' });
  const { api } = await server.person();
  t.is((await api.refused('deleteMe', { body: { password: PASSWORD } })).code, 'conflict');
  t.is((await api.call('me', {})).role, 'owner');
  const stranger = { email: 'eve@example.org', password: PASSWORD };
  t.is((await new Api(server.url).refused('signup', { body: stranger })).code, 'signup_closed');
});
