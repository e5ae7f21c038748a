import test from 'ava';
import { advance } from '../../../coordinator/tasks/advance.ts';
import { addTask, endTask, runTask, taskOf } from '../../support/fixtures.ts';
import { startApi } from '../../support/start-api.ts';

async function scene(t: Parameters<typeof startApi>[0]) {
  const server = await startApi(t);
  const { api, session } = await server.person();
  const add = (prompt: string) => {
    const { id } = addTask(server.log, session.user.id, { prompt, title: prompt });
    runTask(server.log, id);
    endTask(server.log, id);
    return id;
  };
  const ids = async (query: object) => (await api.call('listTasks', { query })).items.map(({ id }) => id);
  const archive = (id: string, archived = true) => api.call('patchTask', { params: { id }, body: { archived } });
  return { server, api, add, ids, archive };
}

test('an archived errand is out of the list that asks so, in the archive, and found by a search', async (t) => {
  const { add, ids, archive, api } = await scene(t);
  const [a, b, c] = [add('mend the lamp'), add('mend the door'), add('paint the wall')];
  t.is((await api.call('getTask', { params: { id: a } })).archived, false);
  t.like(await archive(a), { id: a, archived: true, unread: false });
  await archive(c);
  t.deepEqual(await ids({}), [c, b, a], 'a client that keeps its own list gets all');
  t.deepEqual(await ids({ archived: 'false' }), [b]);
  t.deepEqual(await ids({ archived: 'true' }), [c, a]);
  t.deepEqual(await ids({ archived: 'true', limit: 1, cursor: c }), [a]);
  t.deepEqual(await ids({ q: 'mend' }), [b, a]);
  t.deepEqual(await ids({ q: 'mend', archived: 'true' }), [a]);
  const together = {
    archived: 'false',
    status: 'succeeded,failed',
    unread: 'true',
    updated_since: '2026-01-01T00:00:00Z',
  };
  t.deepEqual(await ids(together), [b]);
  t.deepEqual(await ids({ archived: 'true', order: 'needs_you' }), [c, a]);
  t.like(await archive(a, false), { id: a, archived: false, unread: false });
  t.deepEqual(await ids({ archived: 'false' }), [b, a]);
});

test('what is archived already stays so without another event, so that a repeat changes nothing', async (t) => {
  const { api, add, archive } = await scene(t);
  const id = add('x');
  await archive(id, false);
  const { newest_event_id = 0 } = await archive(id);
  t.is((await archive(id)).newest_event_id, newest_event_id);
  const page = await api.call('listEvents', { params: { id }, query: { after: newest_event_id - 1 } });
  t.like(page.items, [{ id: newest_event_id, type: 'task.archived', body: { archived: true } }]);
  t.is((await api.call('getTask', { params: { id } })).unread, false);
});

test('only an errand of yours that has ended can be archived', async (t) => {
  const { server, api, add } = await scene(t);
  const ended = add('x');
  const { api: stranger } = await server.person();
  const body = { archived: true };
  t.is((await stranger.refused('patchTask', { params: { id: ended }, body })).code, 'not_found');
  const { id } = await api.call('createTask', { body: { prompt: 'Go', repo_url: 'errand://sample' } });
  t.is((await api.refused('patchTask', { params: { id }, body })).code, 'conflict');
  runTask(server.log, id);
  t.is((await api.refused('patchTask', { params: { id }, body })).code, 'conflict');
});

test('an archived errand that goes on is back in the list: by a message, and by another try', async (t) => {
  const { server, api, add, ids, archive } = await scene(t);
  const [said, again] = [add('a'), add('b')];
  await archive(said);
  await api.call('createMessage', { params: { id: said }, body: { text: 'And the tests?' } });
  t.is((await api.call('getTask', { params: { id: said } })).archived, false);
  server.log.write((tx) => {
    advance(tx, taskOf(server.log, again), { type: 'message', at: new Date().toISOString() });
  });
  await api.call('cancelTask', { params: { id: again } });
  await archive(again);
  t.like(await api.call('retryTask', { params: { id: again }, body: {} }), { archived: false, status: 'queued' });
  t.deepEqual(await ids({ archived: 'true' }), []);
});
