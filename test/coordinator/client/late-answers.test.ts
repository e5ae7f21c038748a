import type { ServerResponse } from 'node:http';
import test, { type ExecutionContext } from 'ava';
import { Client } from '../../../coordinator/client/client.ts';
import { toStored } from '../../../coordinator/client/session.ts';
import { Mirror } from '../../../coordinator/client/sync/mirror.ts';
import type { Task } from '../../../protocol/task.ts';
import { sendErrand } from '../../support/send-errand.ts';
import { startApi } from '../../support/start-api.ts';
import { MemoryDevice } from '../../support/web/memory-storage.ts';
import { startFaultyProxy } from '../../support/web/faulty-proxy.ts';

const RESULT: Task['result'] = {
  summary: 'Done.',
  branch: 'errand/work',
  commit: 'b'.repeat(40),
  base_commit: 'a'.repeat(40),
  diff_stat: { files: 1, insertions: 2, deletions: 3 },
};

/** A device that opens an errand, and what the server said of it, whose first answer is late. */
async function openLate(t: ExecutionContext, tellBefore?: (mirror: Mirror, task: Task) => Promise<void>) {
  const server = await startApi(t);
  const proxy = await startFaultyProxy(t, server.url);
  const { api, session } = await server.person();
  const { id } = await sendErrand(api);
  const answer = await api.call('getTask', { params: { id } });
  const { attempts: _, ...task } = answer;
  const held = Promise.withResolvers<ServerResponse>();
  let asked = 0;
  proxy.answer = ({ url = '' }, response) => {
    if (!url.endsWith(`/tasks/${id}`) || asked++ > 0) return false;
    held.resolve(response);
    return true;
  };
  const storage = new MemoryDevice(toStored(proxy.url, session));
  const client = await Client.open(storage.session, { signal: new AbortController().signal });
  const mirror = new Mirror(client, storage.mirror, () => undefined);
  await tellBefore?.(mirror, task);
  const opening = mirror.open(id);
  const response = await held.promise;
  const comes = async (): Promise<void> => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    await opening;
  };
  return { api, id, task, mirror, storage, comes, asked: () => asked };
}

test('an answer that is late takes nothing back that was told meanwhile, also what has left no event', async (t) => {
  const { id, task, mirror, storage, comes } = await openLate(t);
  await mirror.changed([{ ...task, title: 'Told meanwhile', status: 'succeeded', result: RESULT }], 1);
  await comes();
  for (const known of [mirror.task(id), storage.tasks.get(id)])
    t.like(known, { title: 'Told meanwhile', status: 'succeeded', result: RESULT });
});

test('a text that was cut before a late answer, and changed meanwhile, is read again', async (t) => {
  const { id, task, mirror, comes, asked } = await openLate(t, (early, listed) =>
    early.changed([{ ...listed, prompt: 'Cut', shortened: true }], 1),
  );
  await mirror.changed([{ id, title: 'Told meanwhile' }], 2);
  await comes();
  t.is(asked(), 2);
  t.is(mirror.task(id)?.prompt, task.prompt);
  t.is(mirror.task(id)?.shortened, undefined);
});

for (const [when, tellBefore] of [
  ['is known', (mirror: Mirror, task: Task) => mirror.changed([{ ...task, shortened: true }], 1)],
  ['is not known yet', undefined],
] as const)
  test(`an errand that ${when} and is deleted before a late answer stays deleted`, async (t) => {
    const { id, mirror, storage, comes } = await openLate(t, tellBefore);
    await mirror.removed([id]);
    await comes();
    t.is(mirror.task(id), undefined);
    t.false(storage.tasks.has(id));
  });

test('an errand whose list starts over before a late answer is there once the list says so', async (t) => {
  const { id, task, mirror, storage, comes } = await openLate(t, (early, listed) =>
    early.changed([{ ...listed, shortened: true }], 1),
  );
  await mirror.startOver();
  await comes();
  t.is(mirror.task(id), undefined);
  t.false(storage.tasks.has(id));
  await mirror.changed([task], 2);
  t.like(mirror.task(id), { id });
});
