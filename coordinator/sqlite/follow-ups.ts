import { z } from 'zod';
import { numberOf, sql, type Db } from './database.ts';

/** How a task has gone back to work for its pull request. */
export type FollowUp = {
  /** How often, since its person last agreed. */
  rounds: number;
  /** Whether its person wants no more of it. */
  stopped: boolean;
  /** The texts that wait until the person agrees, oldest first. */
  waiting: string[];
};

/** What a task is to answer at its pull request. */
export type FollowUpItem = {
  task_id: string;
  /** Its number in the message to the task. */
  n: number;
  forge_id: string;
  /** The repository of the pull request, as the task names it; null, in old rows: its first one. */
  repo_url: string | null;
  number: number;
  /** The comment on lines, as JSON; null: a review as a whole, or checks. */
  comment: string | null;
  /** The commit that the task had pushed before; null: none, or it is not known. */
  commit_before: string | null;
  message_id: string | null;
};

/** The comment and the commit are in one column, which had the comment alone before. */
type StoredItem = Omit<FollowUpItem, 'commit_before'>;
const WithCommit = z.object({ said: z.string().nullable(), commit_before: z.string().nullable() });

function itemToStored({ comment: said, commit_before, ...row }: FollowUpItem): StoredItem {
  return { ...row, comment: JSON.stringify({ said, commit_before }) };
}

function itemFromStored(row: StoredItem): FollowUpItem {
  const { data } = WithCommit.safeParse(JSON.parse(row.comment ?? 'null'));
  return { ...row, comment: data ? data.said : row.comment, commit_before: data?.commit_before ?? null };
}

type Stored = { rounds: number; stopped: number; waiting: string };
const Texts = z.array(z.string());

export function findFollowUp(db: Db, task_id: string): FollowUp {
  const row = sql<Stored>(db, 'SELECT rounds, stopped, waiting FROM follow_ups WHERE task_id = ?').get(task_id);
  if (!row) return { rounds: 0, stopped: false, waiting: [] };
  return { rounds: row.rounds, stopped: row.stopped === 1, waiting: Texts.parse(JSON.parse(row.waiting)) };
}

export function putFollowUp(db: Db, task_id: string, { rounds, stopped, waiting }: FollowUp): void {
  sql(
    db,
    `INSERT INTO follow_ups (task_id, rounds, stopped, waiting) VALUES (:task_id, :rounds, :stopped, :waiting)
     ON CONFLICT (task_id) DO UPDATE SET rounds = excluded.rounds, stopped = excluded.stopped, waiting = excluded.waiting`,
  ).run({ task_id, rounds, stopped: stopped ? 1 : 0, waiting: JSON.stringify(waiting) });
}

/** The number of the next item of a task, from 1. */
export function nextItemNumber(db: Db, task_id: string): number {
  return numberOf(db, 'SELECT coalesce(max(n), 0) + 1 FROM follow_up_items WHERE task_id = ?', task_id);
}

export function insertItem(db: Db, item: FollowUpItem): void {
  sql(
    db,
    `INSERT INTO follow_up_items (task_id, n, forge_id, repo_url, number, comment, message_id)
     VALUES (:task_id, :n, :forge_id, :repo_url, :number, :comment, :message_id)`,
  ).run(itemToStored(item));
}

/** Gives the items that waited for the person to the message that tells the task of them. */
export function sendItems(
  db: Db,
  task_id: string,
  { message_id, commit_before }: Pick<FollowUpItem, 'message_id' | 'commit_before'>,
): void {
  const text =
    'SELECT task_id, n, forge_id, number, comment, message_id FROM follow_up_items WHERE task_id = ? AND message_id IS NULL';
  for (const item of sql<StoredItem>(db, text).all(task_id).map(itemFromStored))
    sql(db, 'UPDATE follow_up_items SET message_id = ?, comment = ? WHERE task_id = ? AND n = ?').run(
      message_id,
      itemToStored({ ...item, commit_before }).comment,
      task_id,
      item.n,
    );
}

/** Forgets the items that waited for the person, who wants none. */
export function dropWaitingItems(db: Db, task_id: string): void {
  sql(db, 'DELETE FROM follow_up_items WHERE task_id = ? AND message_id IS NULL').run(task_id);
}

/** The items that the agent was told of, and that have no answer. */
export function listUnanswered(db: Db, task_id: string): FollowUpItem[] {
  return sql<StoredItem>(
    db,
    `SELECT follow_up_items.task_id, n, forge_id, repo_url, number, comment, message_id FROM follow_up_items
       JOIN messages ON messages.id = message_id
     WHERE follow_up_items.task_id = ? AND answered_at IS NULL AND taken_in_at IS NOT NULL ORDER BY n`,
  )
    .all(task_id)
    .map(itemFromStored);
}

export function markAnswered(db: Db, { task_id, n }: Pick<FollowUpItem, 'task_id' | 'n'>, at: string): void {
  sql(db, 'UPDATE follow_up_items SET answered_at = ? WHERE task_id = ? AND n = ?').run(at, task_id, n);
}
