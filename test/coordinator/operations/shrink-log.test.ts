import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Deletion } from '../../../coordinator/operations/deletion.ts';
import { shrinkLog } from '../../../coordinator/operations/shrink-log.ts';
import { EventLog } from '../../../coordinator/sqlite/event-log.ts';
import { openTestDatabase } from '../../support/test-database.ts';
import { putDiff } from '../../../coordinator/sqlite/diffs.ts';
import { insertMessage } from '../../../coordinator/sqlite/messages.ts';
import { insertTaskPush } from '../../../coordinator/sqlite/task-pushes.ts';
import { Workspaces } from '../../../coordinator/workers/workspaces.ts';
import type { TaskRow } from '../../../coordinator/domain/task.ts';
import { newId } from '../../../protocol/ids.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { addTask, addUser, time } from '../../support/dispatching.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { SILENT } from '../../support/silent.ts';

const MB = 1024 * 1024;
const DAY_MS = 24 * 3600_000;

async function openScene(t: ExecutionContext) {
  const folder = await temporaryFolder(t);
  const db = openTestDatabase(join(folder, 'errand.db'));
  t.teardown(() => db.close());
  const log = new EventLog({ db, logger: SILENT });
  const body = JSON.stringify({ level: 'info', text: 'x'.repeat(MB / 4) });
  const insertAttempt = db.prepare(
    `INSERT INTO attempts (task_id, n, status, runner, worker, warm, last_seq, started_at, log_bytes)
     VALUES (?, 1, 'failed', 'process', ?, 0, ?, ?, ?)`,
  );
  /** Adds a task with one attempt, whose events take this many megabytes. */
  const add = (user_id: string, megabytes: number, fields: Partial<TaskRow>): string => {
    const task = addTask(db, user_id, { attempt: 1, ...fields });
    const count = megabytes * 4;
    insertAttempt.run(task.id, task.id, count, time(), count * (body.length + LIMITS.event_row_bytes));
    const row = { task_id: task.id, user_id, attempt: 1, type: 'log', at: time(), body };
    log.write((tx) => Array.from({ length: count }, (_, i) => tx.append({ ...row, seq: i + 1 })));
    return task.id;
  };
  const ended = (user_id: string, megabytes: number, days: number) =>
    add(user_id, megabytes, { status: 'failed', ended_at: time(-days * DAY_MS) });
  const attempts = { has: () => false };
  const shrink = async (megabytes: number, has: (id: string) => boolean = attempts.has) => {
    const deletion = new Deletion({
      log,
      workspaces: new Workspaces(folder),
      removeFiles: async () => undefined,
      logger: SILENT,
      attempts,
    });
    const keep = { keep_log_bytes: megabytes * MB };
    await shrinkLog({ log, deletion, attempts: { has }, logger: SILENT, keep }, new AbortController().signal);
    await deletion.sweep();
    await deletion.stop();
  };
  const left = () => db.prepare<[], string>('SELECT id FROM tasks ORDER BY id').pluck().all();
  return { db, log, user: () => addUser(db), add, ended, shrink, left };
}

for (const status of ['starting', 'running', 'waiting', 'queued'] as const)
  test(`a task that floods its log while it is ${status} costs nobody an ended task`, async (t) => {
    const { user, add, ended, shrink, left } = await openScene(t);
    const [hog, ann] = [user(), user()];
    const kept = [ended(ann, 1, 30), ended(hog, 1, 20), ended(ann, 1, 1), add(hog, 24, { status })];
    await shrink(8);
    t.deepEqual(left(), kept.toSorted());
  });

test('what a person keeps costs their own tasks, and nobody else', async (t) => {
  const { user, ended, shrink, left } = await openScene(t);
  const [ann, hog, bob] = [user(), user(), user()];
  const others = [ann, bob, ann, bob].map((who, i) => ended(who, 3, 100 - i));
  const floods = [4, 3, 2, 1].map((days) => ended(hog, 6, days));
  await shrink(13);
  t.deepEqual(left(), [...others, ...floods.slice(2)].toSorted());
  // However many people there are, and whatever they keep together.
  for (let i = 0; i < 5; i++) ended(user(), 6, 1);
  const before = left();
  await shrink(13);
  t.deepEqual(left(), before);
});

test('one ended task that flooded its log costs its person none of their others', async (t) => {
  const { user, ended, shrink, left } = await openScene(t);
  const ann = user();
  const small = Array.from({ length: 10 }, (_, i) => ended(ann, 0.5, 100 - i));
  ended(ann, 12, 0.1);
  await shrink(10);
  t.deepEqual(left(), small.toSorted());
});

test('without a flood, each person loses the tasks that ended first, and as few as needed', async (t) => {
  const { user, ended, shrink, left } = await openScene(t);
  const [ann, bob] = [user(), user()];
  const of_ann = Array.from({ length: 25 }, (_, i) => ended(ann, 0.25, 100 - i));
  const of_bob = Array.from({ length: 20 }, (_, i) => ended(bob, 0.25, 50 - i));
  await shrink(5.1);
  t.deepEqual(left(), [...of_ann.slice(5), ...of_bob].toSorted());
});

type Scene = Awaited<ReturnType<typeof openScene>>;
/** What is written about a task beside the events of its workers: each way writes more than a megabyte. */
const WRITTEN: Record<string, (scene: Scene, task_id: string, user_id: string) => void> = {
  'a diff': ({ db }, id) => putDiff(db, id, { diff: '€'.repeat(MB / 2), truncated: false }),
  messages: ({ db }, task_id) => {
    for (let i = 0; i < 40; i++)
      insertMessage(db, { id: newId(), task_id, text: 'x'.repeat(30_000), created_at: time() });
  },
  'a long prompt': ({ db }, id) => db.prepare('UPDATE tasks SET prompt = ? WHERE id = ?').run('€ '.repeat(MB / 4), id),
  'a long result': ({ db }, id) =>
    db.prepare('UPDATE tasks SET result = ? WHERE id = ?').run(`"${'€ '.repeat(MB / 4)}"`, id),
  'long events of the server': ({ log }, task_id, user_id) => {
    const body = JSON.stringify({ text: 'x'.repeat(MB) });
    log.write((tx) => tx.append({ task_id, user_id, attempt: 1, seq: null, type: 'task.created', at: time(), body }));
  },
  'many events of the server': ({ log }, task_id, user_id) => {
    const event = { task_id, user_id, attempt: 1, seq: null, type: 'task.archived', at: time(), body: '{}' };
    log.write((tx) => Array.from({ length: 6_000 }, () => tx.append(event)));
  },
  'the diff of a further repository': ({ db }, id) => {
    db.prepare(`INSERT INTO task_repositories (task_id, n, key, repo_url, diff) VALUES (?, 1, 'web', 'x', ?)`).run(
      id,
      '€'.repeat(MB / 2),
    );
  },
  pushes: ({ log, db }, task_id) =>
    log.write(() => {
      for (let i = 0; i < 6_000; i++)
        insertTaskPush(db, { task_id, key: null }, { ref: 'refs/heads/a', commit: `${i}`, kept: [] });
    }),
};

for (const [what, write] of Object.entries(WRITTEN))
  test(`the size of a task includes ${what}`, async (t) => {
    const scene = await openScene(t);
    const ann = scene.user();
    const tasks = [scene.ended(ann, 0.25, 2), scene.ended(ann, 0.25, 1)];
    await scene.shrink(1);
    t.is(scene.left().length, 2);
    write(scene, tasks[0] ?? '', ann);
    await scene.shrink(1);
    t.deepEqual(scene.left(), [tasks[1]]);
  });

test('a task that may still have a worker stays, and all others of its person may go', async (t) => {
  const { user, ended, shrink, left } = await openScene(t);
  const [ann, bob] = [user(), user()];
  const busy = ended(ann, 4, 3);
  const kept = ended(bob, 0.5, 3);
  for (const who of [ann, bob, ann]) ended(who, 1, 1);
  await shrink(1, (id) => id === busy);
  t.deepEqual(
    left().filter((id) => id === busy || id === kept),
    [busy, kept].toSorted(),
  );
  t.is(left().length, 2);
});
