import { Need, NeedAnswer } from '../../protocol/needs.ts';
import type { NeedRow } from '../domain/need.ts';
import { numberOf, sql, type Db } from './database.ts';

const Body = Need.omit({ id: true, kind: true, asked_at: true, closed_at: true, answer: true });
const Kind = Need.shape.kind;

type Stored = {
  id: string;
  task_id: string;
  kind: string;
  ref: string;
  body: string;
  asked_at: string;
  closed_at: string | null;
  answer: string | null;
  message_id: string | null;
};

function fromStored(stored: Stored): NeedRow {
  const { body, kind, answer, message_id: _, ...rest } = stored;
  return {
    ...rest,
    ...Body.parse(JSON.parse(body)),
    kind: Kind.parse(kind),
    answer: answer === null ? null : NeedAnswer.parse(JSON.parse(answer)),
  };
}

/** Adds an open need. The database refuses a second open one of the same task, kind and `ref`. */
export function insertNeed(db: Db, need: NeedRow): void {
  const { id, task_id, kind, ref, asked_at, closed_at: _closed, answer: _answer, ...body } = need;
  sql(
    db,
    `INSERT INTO needs (id, task_id, kind, ref, body, asked_at) VALUES (:id, :task_id, :kind, :ref, :body, :asked_at)`,
  ).run({ id, task_id, kind, ref, asked_at, body: JSON.stringify(Body.parse(body)) });
}

/** The need, if it belongs to this task. */
export function findNeed(db: Db, task_id: string, id: string): NeedRow | undefined {
  const row = sql<Stored>(db, 'SELECT * FROM needs WHERE id = ? AND task_id = ?').get(id, task_id);
  return row && fromStored(row);
}

/** The newest need of this kind and `ref`, open or not. Its id does not tell: the clock may have been set back. */
export function findNeedByRef(db: Db, task_id: string, kind: Need['kind'], ref: string): NeedRow | undefined {
  const row = sql<Stored>(
    db,
    'SELECT * FROM needs WHERE task_id = ? AND kind = ? AND ref = ? ORDER BY rowid DESC LIMIT 1',
  ).get(task_id, kind, ref);
  return row && fromStored(row);
}

/** The open needs of a task, oldest first. */
export function listOpenNeeds(db: Db, task_id: string): NeedRow[] {
  return sql<Stored>(db, 'SELECT * FROM needs WHERE task_id = ? AND closed_at IS NULL ORDER BY id')
    .all(task_id)
    .map(fromStored);
}

/** The open needs of each of these tasks that has some, oldest first. */
export function openNeedsByTask(db: Db, task_ids: readonly string[]): Map<string, NeedRow[]> {
  const rows = sql<Stored>(
    db,
    'SELECT * FROM needs WHERE task_id IN (SELECT value FROM json_each(?)) AND closed_at IS NULL ORDER BY id',
  ).all(JSON.stringify(task_ids));
  return Map.groupBy(rows.map(fromStored), ({ task_id }) => task_id);
}

/** How many needs of this kind a task has had. */
export function countNeeds(db: Db, task_id: string, kind: Need['kind']): number {
  return numberOf(db, 'SELECT count(*) FROM needs WHERE task_id = ? AND kind = ?', task_id, kind);
}

/** Closes a need, with its answer or without one. False: it was closed before, and stays as it is. */
export function closeNeed(db: Db, id: string, at: string, answer: NeedAnswer | null): boolean {
  const { changes } = sql(
    db,
    'UPDATE needs SET closed_at = :at, answer = :answer WHERE id = :id AND closed_at IS NULL',
  ).run({ id, at, answer: answer && JSON.stringify(answer) });
  return changes === 1;
}

/** Stores which message tells the worker how a need was answered. */
export function setAnswerMessage(db: Db, id: string, message_id: string): void {
  sql(db, 'UPDATE needs SET message_id = ? WHERE id = ?').run(message_id, id);
}

/** Whether a message tells the worker how a need of its task was answered. */
export function isAnswer(db: Db, task_id: string, message_id: string): boolean {
  return sql(db, 'SELECT 1 FROM needs WHERE task_id = ? AND message_id = ?').get(task_id, message_id) !== undefined;
}

/** Whether a message tells the worker that a host stays blocked: no task goes on for that alone. */
export function isRefusedHost(db: Db, task_id: string, message_id: string): boolean {
  const text = `SELECT 1 FROM needs
     WHERE task_id = ? AND message_id = ? AND kind = 'host' AND json_extract(answer, '$.choose[0]') = 'no'`;
  return sql(db, text).get(task_id, message_id) !== undefined;
}

/** The hosts that the person allowed for this task alone. */
export function listAllowedHosts(db: Db, task_id: string): string[] {
  return sql<Pick<Stored, 'ref' | 'answer'>>(
    db,
    `SELECT ref, answer FROM needs WHERE task_id = ? AND kind = 'host' AND answer IS NOT NULL`,
  )
    .all(task_id)
    .filter(({ answer }) => answer !== null && NeedAnswer.parse(JSON.parse(answer)).choose.includes('once'))
    .map(({ ref }) => ref);
}
