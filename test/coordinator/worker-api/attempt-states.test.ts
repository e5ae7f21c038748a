import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { newId } from '../../../protocol/ids.ts';
import { ErrandError } from '../../../protocol/problem.ts';
import { Relay } from '../../../coordinator/live/relay.ts';
import { markResultReceived, replaceWorker } from '../../../coordinator/sqlite/attempts.ts';
import { EventLog, type Tx } from '../../../coordinator/sqlite/event-log.ts';
import { insertMessage } from '../../../coordinator/sqlite/messages.ts';
import { setSilence, updateWaitingFor } from '../../../coordinator/sqlite/progress.ts';
import { deleteTask } from '../../../coordinator/sqlite/removed.ts';
import { endAttempt } from '../../../coordinator/tasks/advance.ts';
import { cancelTask, retryTask } from '../../../coordinator/tasks/task-commands.ts';
import type { Origin } from '../../../coordinator/worker-api/attempt-states.ts';
import { readAttemptState, requireActive } from '../../../coordinator/worker-api/fence.ts';
import { ProgressWatch } from '../../../coordinator/workers/progress-watch.ts';
import { bareCallbacks } from '../../support/bare-callbacks.ts';
import { addTask, addUser, startAttempt, taskOf } from '../../support/fixtures.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { SILENT } from '../../support/silent.ts';
import { openTestDatabase } from '../../support/test-database.ts';

const at = new Date().toISOString();

type Scene = Awaited<ReturnType<typeof open>>;

/** A log whose next commit fails if `fail` says so, with the callbacks that write to it. */
async function open(t: ExecutionContext) {
  const db = openTestDatabase(join(await temporaryFolder(t), 'errand.db'));
  t.teardown(() => db.close());
  // Nothing here is about the disk.
  db.pragma('synchronous = OFF');
  const commit = { fails: false };
  const before = () => {
    if (commit.fails) throw new Error('the commit fails');
  };
  const log = new EventLog({ db, logger: SILENT, hook: { before, after: () => undefined } });
  const progress = new ProgressWatch({
    onStall: () => false,
    times: { stall_ms: 60_000, wait_grace_ms: 100 },
    logger: SILENT,
  });
  t.teardown(() => progress.stop());
  const relay = new Relay(log, { fault: null });
  const callbacks = bareCallbacks({ log, relay, progress });
  return { log, callbacks, commit, user_id: addUser(log) };
}

const originOf = (task_id: string, attempt: number, worker = `worker-${task_id}`): Origin => ({
  claims: { task_id, attempt, issued_at_ms: 0, expires_at_ms: 4e12 },
  listener: { worker },
});

/** The newest `seq` by the rows, read now, or the code of the refusal. */
function lastSeqOf({ log }: Scene, { claims, listener }: Origin): number | string {
  try {
    const state = readAttemptState(log.db, claims, listener);
    requireActive(state, claims.attempt);
    return state.last_seq;
  } catch (error) {
    return codeOf(error);
  }
}

/** Sends so many events, with the `seq` that comes next by the rows. The newest `seq`, or the code of the refusal. */
async function send(scene: Scene, origin: Origin, count: number): Promise<number | string> {
  const { task_id, attempt } = origin.claims;
  const last_seq = Number(scene.log.db.prepare(LAST_SEQ).pluck().get(task_id, attempt) ?? 0);
  const events = Array.from({ length: count }, (_, i) => ({ ...EVENT, seq: last_seq + 1 + i }));
  try {
    return (await scene.callbacks.events(origin, { attempt, events, deltas: [] })).acked_seq;
  } catch (error) {
    return codeOf(error);
  }
}

const LAST_SEQ = 'SELECT last_seq FROM attempts WHERE task_id = ? AND n = ?';
const EVENT = { at, type: 'log' as const, body: '{"level":"info","text":"x"}', acts: null };
const WAIT = JSON.stringify({ kind: 'model', since: at });
const codeOf = (error: unknown) => (error instanceof ErrandError ? error.code : String(error));

/** Ends the task's attempt, if it has one. */
function end(tx: Tx, log: EventLog, id: string): void {
  const task = taskOf(log, id);
  endAttempt(tx, task, task.attempt, { status: 'failed', reason: 'turn_limit', detail: null, at });
}

const fail = () => {
  throw new Error('this work fails');
};

/** What may happen while the state of a task's attempt is known. Some throw where they are not possible. */
const STEPS: Record<string, (scene: Scene, id: string, other: string) => unknown> = {
  'events come': (scene, id) => send(scene, originOf(id, 1), 2),
  'events come whose commit fails': async (scene, id) => {
    scene.commit.fails = true;
    await send(scene, originOf(id, 1), 2);
    scene.commit.fails = false;
  },
  'events come, and a work of their group fails': (scene, id) =>
    Promise.allSettled([send(scene, originOf(id, 1), 1), scene.log.enqueue(fail)]),
  'events of another task come': (scene, _, other) => send(scene, originOf(other, 1), 1),
  'its attempt ends': ({ log }, id) => log.write((tx) => end(tx, log, id)),
  'its attempt ends just before events of their group': (scene, id) => {
    const ended = scene.log.enqueue((tx) => end(tx, scene.log, id));
    return Promise.allSettled([ended, send(scene, originOf(id, 1), 1)]);
  },
  'its attempt does not end after all, before events of their group': (scene, id) => {
    const undone = scene.log.enqueue((tx) => {
      end(tx, scene.log, id);
      fail();
    });
    return Promise.allSettled([undone, send(scene, originOf(id, 1), 1)]);
  },
  'its result is stored': ({ log }, id) => log.write(({ db }) => markResultReceived(db, id, 1, at)),
  'its next attempt starts': ({ log, user_id }, id) => {
    log.write((tx) => end(tx, log, id));
    log.write((tx) => retryTask(tx, user_id, id, {}));
    startAttempt(log, id);
  },
  'a start is rolled back': ({ log, user_id }, id) => {
    log.write((tx) => {
      end(tx, log, id);
      retryTask(tx, user_id, id, {});
      fail();
    });
  },
  'a cancel is wanted': ({ log, user_id }, id) => log.write((tx) => cancelTask(tx, user_id, id)),
  'a message comes': ({ log }, id) =>
    log.write(({ db }) => insertMessage(db, { id: newId(), task_id: id, text: 'x', created_at: at })),
  'its worker falls silent': ({ log }, id) => log.write(({ db }) => setSilence(db, id, 1, WAIT)),
  'its worker is replaced': ({ log }, id) =>
    log.write(({ db }) => replaceWorker(db, id, 1, `worker-${id}`, 'worker-2')),
  'it waits for something': ({ log }, id) => log.enqueue(({ db }) => updateWaitingFor(db, id, WAIT)),
  'it is deleted': ({ log }, id) => log.write(({ db }) => deleteTask(db, id)),
};

/** Does a step. One that is not possible now changes nothing. */
async function take(scene: Scene, step: string, id: string, other: string): Promise<void> {
  try {
    await STEPS[step]?.(scene, id, other);
  } catch {
    scene.commit.fails = false;
  }
}

/** Each call of each attempt, over its own worker's socket or another, is answered by what the rows say. */
async function compare(t: ExecutionContext, scene: Scene, ids: string[], what: string): Promise<void> {
  for (const id of ids)
    for (const origin of [originOf(id, 1), originOf(id, 1, 'worker-2'), originOf(id, 2)])
      for (const count of [0, 1]) {
        const before = lastSeqOf(scene, origin);
        const expected = typeof before === 'number' ? before + count : before;
        t.is(await send(scene, origin, count), expected, `${what}; ${count} events`);
      }
}

test('whatever happens to a task, its events are accepted exactly while its row says that the attempt is active', async (t) => {
  const scene = await open(t);
  for (const first of Object.keys(STEPS))
    for (const second of Object.keys(STEPS))
      for (const known of [0, 1]) {
        const ids = [addTask(scene.log, scene.user_id).id, addTask(scene.log, scene.user_id).id];
        const [id = '', other = ''] = ids;
        for (const each of ids) startAttempt(scene.log, each);
        const what = `${known} events; ${first}; ${second}`;
        // The state is known from here on.
        for (const each of ids) await send(scene, originOf(each, 1), known);
        await take(scene, first, id, other);
        await take(scene, second, id, other);
        await compare(t, scene, ids, what);
      }
});
