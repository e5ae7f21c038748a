import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { LIST_ENDED_ATTEMPTS } from '../../../coordinator/sqlite/attempts.ts';
import type { Db } from '../../../coordinator/sqlite/database.ts';
import { EventLog } from '../../../coordinator/sqlite/event-log.ts';
import { FIND_EVENTS_BY_SEQ, findEventsBySeq } from '../../../coordinator/sqlite/events.ts';
import { PENDING_OF } from '../../../coordinator/sqlite/messages.ts';
import { READ_TRANSCRIPT } from '../../../coordinator/sqlite/transcript.ts';
import { LOG_USE } from '../../../coordinator/sqlite/log-use.ts';
import { openTestDatabase } from '../../support/test-database.ts';
import { LIST_ENDED_BEFORE, markEndedBefore, REMOVED_ROWS_MAX } from '../../../coordinator/sqlite/removed.ts';
import { addTask, addUser, time } from '../../support/dispatching.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { Random } from '../../support/random.ts';
import { SILENT } from '../../support/silent.ts';

async function openEmpty(t: ExecutionContext): Promise<Db> {
  const db = openTestDatabase(join(await temporaryFolder(t), 'errand.db'));
  t.teardown(() => db.close());
  return db;
}

test('no periodic statement reads more of a large table than it returns', async (t) => {
  const db = await openEmpty(t);
  const searches = {
    [LIST_ENDED_BEFORE]: 'SEARCH tasks USING COVERING INDEX tasks_ended ((ended_at,id)>(?,?) AND ended_at<?)',
    [LOG_USE.ended]: 'SEARCH tasks USING INDEX tasks_ended ((ended_at,id)>(?,?))',
    [LOG_USE.ended_of]: 'SEARCH tasks USING INDEX tasks_ended_by_user (user_id=? AND ended_at>?)',
    [LIST_ENDED_ATTEMPTS]: 'SEARCH attempts USING INDEX attempts_by_worker (worker=?)',
    [READ_TRANSCRIPT]: 'SEARCH events USING INDEX events_by_task (task_id=? AND id>? AND id<?)',
    [FIND_EVENTS_BY_SEQ]: 'SEARCH events USING INDEX events_by_task (task_id=? AND id>?)',
    [PENDING_OF]: 'SEARCH events USING INDEX events_of_server (task_id=? AND seq=?)',
  };
  for (const [text, search] of Object.entries(searches)) {
    const parameters = Object.fromEntries([...text.matchAll(/:(\w+)/g)].map(([, key]) => [key, '[]']));
    const plan = db.prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${text}`).all(parameters);
    const details = plan.map(({ detail }) => detail);
    t.is(details[0], search);
    if (text.includes('octet_length(body)')) t.regex(details.join('\n'), /COVERING INDEX events_of_server/);
    for (const detail of details)
      t.notRegex(
        detail,
        /^SCAN (tasks|attempts|events|removed|messages|diffs|task_repositories|task_pushes)|TEMP B-TREE/,
        text,
      );
  }
});

test('marking goes on where it stopped, and each task is looked at once', async (t) => {
  const db = await openEmpty(t);
  const user = addUser(db);
  // Fixed, since to add them takes a while.
  const [ended_at, limit, later] = [time(-10_000), time(-5_000), time()];
  const tasks = Array.from({ length: 2 * REMOVED_ROWS_MAX + 1 }, () =>
    addTask(db, user, { status: 'succeeded', attempt: 1, ended_at }),
  );
  addTask(db, user, { status: 'succeeded', attempt: 1, ended_at: later });
  const runs = [];
  for (let next; ;) {
    const run = markEndedBefore(db, limit, next);
    runs.push(run.marked);
    next = run.next;
    if (!next) break;
  }
  t.deepEqual(runs, [REMOVED_ROWS_MAX, REMOVED_ROWS_MAX, 1]);
  t.is(db.prepare('SELECT count(*) FROM removed').pluck().get(), tasks.length);
  t.is(markEndedBefore(db, limit).marked, 0);
});

test('what a worker sends again is found from any position, among the events of others', async (t) => {
  const db = await openEmpty(t);
  const log = new EventLog({ db, logger: SILENT });
  const random = new Random(5);
  const user_id = addUser(db);
  const tasks = [addTask(db, user_id), addTask(db, user_id)];
  const next = new Map<string, number>();
  log.write((tx) => {
    for (let i = 0; i < 3_000; i++) {
      const { id: task_id } = random.pick(tasks);
      const attempt = 1 + Math.floor(i / 1_000);
      const key = `${task_id}/${attempt}`;
      const seq = random.next() < 0.2 ? null : (next.get(key) ?? 1);
      if (seq !== null) next.set(key, seq + 1);
      tx.append({ task_id, user_id, attempt, seq, type: 'log', at: time(), body: `"${key}/${seq}"` });
    }
  });
  for (let i = 0; i < 300; i++) {
    const [{ id }, attempt] = [random.pick(tasks), random.whole(1, 3)];
    const newest = (next.get(`${id}/${attempt}`) ?? 1) - 1;
    const first = random.whole(1, newest);
    const last = random.whole(first, Math.min(newest, first + 200));
    const bodies = [...findEventsBySeq(db, id, attempt, first, last)].map(({ body }) => body);
    t.deepEqual(
      bodies,
      Array.from({ length: last - first + 1 }, (_, n) => `"${id}/${attempt}/${first + n}"`),
    );
  }
});
