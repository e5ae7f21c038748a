import { join } from 'node:path';
import test from 'ava';
import { EventLog } from '../../../coordinator/sqlite/event-log.ts';
import { newId } from '../../../protocol/ids.ts';
import { openTestDatabase } from '../../support/test-database.ts';
import { Relay } from '../../../coordinator/live/relay.ts';
import type { Callbacks } from '../../../coordinator/worker-api/callbacks.ts';
import { ProgressWatch, type Stall } from '../../../coordinator/workers/progress-watch.ts';
import { insertMessage } from '../../../coordinator/sqlite/messages.ts';
import { setSilence } from '../../../coordinator/sqlite/progress.ts';
import { bareCallbacks } from '../../support/bare-callbacks.ts';
import { addTask, addUser, endTask, startAttempt } from '../../support/fixtures.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { SILENT } from '../../support/silent.ts';

const at = new Date().toISOString();

const CALLS: Record<string, (callbacks: Callbacks, task_id: string, i: number) => Promise<unknown>> = {
  'an event': (callbacks, task_id) =>
    callbacks.events(originOf(task_id), {
      attempt: 1,
      events: [{ seq: 1, at, type: 'log', body: '{"level":"info","text":"hello"}', acts: null }],
      deltas: [],
    }),
  'a delta': (callbacks, task_id) =>
    callbacks.events(originOf(task_id), { attempt: 1, events: [], deltas: [{ ref: 'r', kind: 'text', text: 'x' }] }),
  'a wait': (callbacks, task_id, i) =>
    callbacks.heartbeat(originOf(task_id), {
      attempt: 1,
      last_seq: 0,
      waiting_for: { kind: 'model', since: new Date(Date.now() + i).toISOString() },
    }),
};

const originOf = (task_id: string) => ({
  claims: { task_id, attempt: 1, issued_at_ms: 0, expires_at_ms: 4e12 },
  listener: 'tcp' as const,
});

for (const [what, call] of Object.entries(CALLS))
  test(`${what} whose transaction is rolled back is no progress`, async (t) => {
    const db = openTestDatabase(join(await temporaryFolder(t), 'errand.db'));
    t.teardown(() => db.close());
    let broken = false;
    const refuse = () => {
      if (broken) throw new Error('the commit failed');
    };
    const log = new EventLog({ db, logger: SILENT, hook: { before: refuse, after: () => undefined } });
    const { id } = addTask(log, addUser(log));
    startAttempt(log, id);
    const found: Stall[] = [];
    const progress = new ProgressWatch({
      onStall: (stall) => found.push(stall) > 0,
      times: { stall_ms: 300, wait_grace_ms: 100 },
      logger: SILENT,
    });
    progress.start();
    t.teardown(() => progress.stop());
    progress.begin(id, 1, 60_000);
    const relay = new Relay(log, { fault: null });
    const callbacks = bareCallbacks({ log, relay, progress });
    broken = true;
    const began = performance.now();
    for (let i = 0; found.length === 0 && performance.now() - began < 3_000; i++) {
      await t.throwsAsync(call(callbacks, id, i), { message: 'the commit failed' });
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    t.deepEqual(found, [{ task_id: id, attempt: 1, waiting_for: null, over_time: false }]);
    broken = false;
    progress.begin(id, 1, 60_000);
    t.truthy(await call(callbacks, id, 0));
  });

test('deltas that come alone wait for no commit, and are refused once the attempt has ended', async (t) => {
  const db = openTestDatabase(join(await temporaryFolder(t), 'errand.db'));
  t.teardown(() => db.close());
  let commits = 0;
  const log = new EventLog({ db, logger: SILENT, hook: { before: () => commits++, after: () => undefined } });
  const user_id = addUser(log);
  const { id } = addTask(log, user_id);
  startAttempt(log, id);
  const relay = new Relay(log, { fault: null });
  const frames: unknown[] = [];
  const nothing = () => undefined;
  relay.join({
    user_id,
    wantsAll: true,
    wantsTasks: false,
    logOf: nothing,
    wantsDeltas: (task_id) => task_id === id,
    events: nothing,
    log: nothing,
    tasks: nothing,
    removed: nothing,
    removedMany: nothing,
    state: nothing,
    deltas: (frame) => frames.push(JSON.parse(frame.toString())),
  });
  const progress = new ProgressWatch({
    onStall: () => false,
    times: { stall_ms: 60_000, wait_grace_ms: 100 },
    logger: SILENT,
  });
  t.teardown(() => progress.stop());
  const callbacks = bareCallbacks({ log, relay, progress });
  const call = (name: string) => CALLS[name]?.(callbacks, id, 0);
  await call('an event');
  commits = 0;
  t.deepEqual(await call('a delta'), { acked_seq: 1, control: { messages: [], cancel: null } });
  t.is(commits, 0);
  t.like(frames, [{ type: 'delta', task_id: id, deltas: [{ text: 'x' }] }]);
  log.write((tx) => setSilence(tx.db, id, 1, JSON.stringify({ kind: 'worker', since: at })));
  await call('a delta');
  t.is(db.prepare('SELECT silence FROM tasks').pluck().get(), null, 'the worker has called');
  endTask(log, id, 'failed');
  await t.throwsAsync(async () => call('a delta'), { code: 'stale_attempt' });
});

test('between two commits deltas find what the row says, and after each commit what it says then', async (t) => {
  const db = openTestDatabase(join(await temporaryFolder(t), 'errand.db'));
  t.teardown(() => db.close());
  const log = new EventLog({ db, logger: SILENT });
  const user_id = addUser(log);
  const { id } = addTask(log, user_id);
  const other = addTask(log, user_id);
  startAttempt(log, id, 'worker-1');
  const progress = new ProgressWatch({
    onStall: () => false,
    times: { stall_ms: 60_000, wait_grace_ms: 100 },
    logger: SILENT,
  });
  t.teardown(() => progress.stop());
  const relay = new Relay(log, { fault: null });
  const callbacks = bareCallbacks({ log, relay, progress });
  const { claims } = originOf(id);
  const send = (seq: number[], worker = 'worker-1') =>
    callbacks.events(
      { claims, listener: { worker } },
      {
        attempt: 1,
        events: seq.map((n) => ({ seq: n, at, type: 'log', body: '{"level":"info","text":"x"}', acts: null })),
        deltas: [{ ref: 'r', kind: 'text', text: 'x' }],
      },
    );
  const nothing = { messages: [], cancel: null };
  await send([1]);
  for (let seq = 1; seq <= 3; await send([++seq])) {
    t.deepEqual(await send([]), { acked_seq: seq, control: nothing });
    t.deepEqual(await send([]), { acked_seq: seq, control: nothing });
    await t.throwsAsync(send([], 'worker-2'), { code: 'unauthenticated' });
  }
  await send([]);
  startAttempt(log, other.id);
  t.deepEqual(await send([]), { acked_seq: 4, control: nothing }, 'a commit of another task');
  const message = { id: newId(), text: 'go on', created_at: at };
  await log.enqueue(({ db }) => insertMessage(db, { ...message, task_id: id }));
  t.like(await send([]), { control: { messages: [{ text: 'go on' }] } });
  t.like(await send([]), { control: { messages: [{ text: 'go on' }] } });
  endTask(log, id, 'failed');
  await t.throwsAsync(send([]), { code: 'stale_attempt' });
});
