import test from 'ava';
import type { z } from 'zod';
import { READ_TASK_EVENTS } from '../../../coordinator/sqlite/events.ts';
import { LIST_PROJECTS } from '../../../coordinator/sqlite/projects.ts';
import { LIST_SESSIONS } from '../../../coordinator/sqlite/refresh-tokens.ts';
import { LIST_TASKS } from '../../../coordinator/sqlite/task-lists.ts';
import type { EventPage } from '../../../protocol/api.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { startApi } from '../../support/start-api.ts';
import { sendErrand, repo_url } from '../../support/send-errand.ts';

type Page = z.output<typeof EventPage>;

test('tasks page by key, newest first, each once, while others arrive', async (t) => {
  const server = await startApi(t);
  const { api } = await server.person();
  const made: string[] = [];
  for (let n = 0; n < 25; n++) made.unshift((await sendErrand(api)).id);
  const seen: string[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const query: Record<string, string | number> = { limit: 10, ...(cursor !== '' && { cursor }) };
    const page = await api.call('listTasks', { query });
    t.true(page.items.length <= 10);
    seen.push(...page.items.map(({ id }) => id));
    cursor = page.next_cursor;
    await sendErrand(api);
  }
  t.deepEqual(seen, made);
});

test('a list contains what its filters select', async (t) => {
  const server = await startApi(t);
  const { api } = await server.person();
  const project = await api.call('createProject', { body: { name: 'P', repo_url } });
  const [a, b, c] = [
    await sendErrand(api),
    await sendErrand(api, { project_id: project.id }),
    await sendErrand(api, { project_id: project.id }),
  ];
  await api.call('cancelTask', { params: b });
  const ids = async (query: object) => (await api.call('listTasks', { query })).items.map(({ id }) => id);
  t.deepEqual(await ids({}), [c.id, b.id, a.id]);
  t.deepEqual(await ids({ status: 'queued' }), [c.id, a.id]);
  t.deepEqual(await ids({ project_id: project.id }), [c.id, b.id]);
  t.deepEqual(await ids({ project_id: project.id, status: 'cancelled' }), [b.id]);
  t.deepEqual(await ids({ project_id: project.id, cursor: c.id }), [b.id]);
});

test('every list is one search of an index, with nothing to sort', async (t) => {
  const { db } = await startApi(t);
  const statements = { ...LIST_TASKS, events: READ_TASK_EVENTS, projects: LIST_PROJECTS, sessions: LIST_SESSIONS };
  for (const [name, text] of Object.entries(statements)) {
    const parameters = Object.fromEntries([...text.matchAll(/:(\w+)/g)].map(([, key]) => [key, 1]));
    const plan = db.prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${text}`).all(parameters);
    const details = plan.map(({ detail }) => detail);
    // A page of tasks is found by its ids; whether one of them is being removed is asked of an index.
    const [search = '', ...more] = details.filter(
      (detail) => !/^LIST SUBQUERY|(KEY|INDEX \w+autoindex\w+) \(id=\?\)$| FOR IN-/.test(detail),
    );
    t.deepEqual(more, [], name);
    t.regex(search, /^SEARCH \w+ USING (COVERING )?(INDEX|PRIMARY KEY) .*(id|family)[<>]\?\)$/, name);
  }
});

test('events come oldest first after a cursor, as they were stored', async (t) => {
  const server = await startApi(t);
  const { api, session } = await server.person();
  const { id } = await sendErrand(api);
  const at = new Date().toISOString();
  const body = '{ "level":"info",  "text":"\\u00e9 é" }';
  for (let seq = 1; seq <= 7; seq++)
    server.log.write((tx) =>
      tx.append({ task_id: id, user_id: session.user.id, attempt: 1, seq, type: 'log', at, body }),
    );
  const all = await api.call('listEvents', { params: { id } });
  t.is(all.items.length, 8);
  t.is(all.next_cursor, null);
  const page = await api.call('listEvents', { params: { id }, query: { limit: 3, after: all.items[1]?.id ?? 0 } });
  t.deepEqual(page.items, all.items.slice(2, 5));
  t.is(page.next_cursor, all.items[4]?.id ?? 0);
  const last = await api.call('listEvents', { params: { id }, query: { limit: 3, after: page.next_cursor ?? 0 } });
  t.deepEqual(last, { items: all.items.slice(5), next_cursor: null });
  const text = await (await api.send('listEvents', { params: { id } })).text();
  t.is(text.split(body).length, 8, 'the stored text was not written anew');
});

test('a page of large events ends early, and the next goes on', async (t) => {
  const server = await startApi(t);
  const { api, session } = await server.person();
  const { id } = await sendErrand(api);
  const body = JSON.stringify({ level: 'info', text: 'x'.repeat(LIMITS.event_bytes_max) });
  const common = { task_id: id, user_id: session.user.id, attempt: 1, type: 'log', at: new Date().toISOString(), body };
  for (let seq = 1; seq <= 6; seq++) server.log.write((tx) => tx.append({ ...common, seq }));
  const seqs: (number | null)[] = [];
  let pages = 0;
  for (let after: number | null = 0; after !== null; pages++) {
    const page: Page = await api.call('listEvents', { params: { id }, query: { limit: 200, after } });
    t.true(page.items.length <= 5);
    seqs.push(...page.items.map(({ seq }) => seq));
    after = page.next_cursor;
  }
  t.deepEqual(seqs, [null, 1, 2, 3, 4, 5, 6]);
  t.is(pages, 2);
});
