import type { TaskStatus } from '../../protocol/task.ts';
import type { TaskRow } from '../domain/task.ts';
import { sql, type Db } from './database.ts';
import { searchQuery } from './search.ts';
import { fromStored, type Stored } from './tasks.ts';

/** Which of a user's tasks a page shows: at most `limit`, with ids below `before`. */
export type TasksFilter = {
  user_id: string;
  status?: readonly TaskStatus[] | undefined;
  /** One of the user's own projects. */
  project_id?: string | undefined;
  /** The words of a search. */
  q?: string | undefined;
  /** An ISO time. */
  updated_since?: string | undefined;
  unread?: boolean | undefined;
  /** Only those that are archived, or only the others. */
  archived?: boolean | undefined;
  /** Those that need their person, or only the others. */
  needs_you?: boolean | undefined;
  before?: string | undefined;
  limit: number;
};

/** A page of tasks, newest first. The inner query reads only an index, so that skipping deleted tasks reads no rows. */
const pageOf = (where: string) => `SELECT * FROM tasks WHERE id IN (
    SELECT id FROM tasks ${where} AND id < :before AND id NOT IN (SELECT id FROM removed) ORDER BY id DESC LIMIT :limit
  ) ORDER BY id DESC`;

/** The same condition as that of the index `tasks_needing_person`, and as `needsYou` of the protocol. */
const NEEDS_YOU = `(status = 'waiting' OR status = 'parked' OR (status = 'failed' AND reason = 'budget_exhausted'))`;

/**
 * The statements of the pages with one filter, or a project and a status. INDEXED BY names the index that makes it a
 * single search at any number of rows; the `+` keeps the planner from using `user_id` for another one.
 */
export const LIST_TASKS = {
  all: pageOf('INDEXED BY tasks_by_user WHERE user_id = :user_id'),
  status: pageOf('INDEXED BY tasks_by_user_status WHERE user_id = :user_id AND status = :status'),
  project: pageOf('INDEXED BY tasks_by_project WHERE project_id = :project_id AND +user_id = :user_id'),
  project_status: pageOf(
    'INDEXED BY tasks_by_project_status WHERE project_id = :project_id AND status = :status AND +user_id = :user_id',
  ),
  needs_you: pageOf(`INDEXED BY tasks_needing_person WHERE user_id = :user_id AND ${NEEDS_YOU}`),
  kept: pageOf('INDEXED BY tasks_kept WHERE user_id = :user_id AND archived_at IS NULL'),
  archived: pageOf('INDEXED BY tasks_archived WHERE user_id = :user_id AND archived_at IS NOT NULL'),
} as const;

/** A page of a user's tasks, newest first. */
export function listTasks(db: Db, filter: TasksFilter): TaskRow[] {
  const { user_id, status, project_id, before = '~', limit } = filter;
  const match = filter.q === undefined ? undefined : searchQuery(user_id, filter.q);
  // A search without a word finds nothing.
  if (filter.q !== undefined && filter.q.trim() !== '' && match === undefined) return [];
  const statement = simpleStatement(filter) ?? composed(filter, match !== undefined);
  const rows = sql<Stored>(db, statement).all({
    user_id,
    before,
    limit,
    ...(status && (statement.includes(':statuses') ? { statuses: JSON.stringify(status) } : { status: status[0] })),
    ...(project_id !== undefined && { project_id }),
    ...(match !== undefined && { match }),
    ...(filter.updated_since !== undefined && { since: filter.updated_since }),
  });
  return rows.map(fromStored);
}

/** The statement for filters that one index answers. */
function simpleStatement(filter: TasksFilter): string | undefined {
  const { status, project_id, needs_you, archived } = filter;
  if (filter.q !== undefined || filter.updated_since !== undefined || filter.unread !== undefined) return undefined;
  const has_others = status !== undefined || project_id !== undefined || needs_you !== undefined;
  if (archived !== undefined) return has_others ? undefined : archived ? LIST_TASKS.archived : LIST_TASKS.kept;
  if (needs_you !== undefined)
    return needs_you && !status && project_id === undefined ? LIST_TASKS.needs_you : undefined;
  if (status && status.length !== 1) return undefined;
  if (project_id === undefined) return status ? LIST_TASKS.status : LIST_TASKS.all;
  return status ? LIST_TASKS.project_status : LIST_TASKS.project;
}

/** `unread` as clients see it: the task rests, and its log goes on behind the mark. */
const UNREAD = `(ended_at IS NOT NULL OR status IN ('waiting', 'parked'))
  AND coalesce((SELECT max(events.id) FROM events WHERE task_id = tasks.id), 0)
    > coalesce((SELECT event_id FROM read_marks WHERE task_id = tasks.id), 0)`;

/** The statement for any filters together. A search reads the index of words from its newest row on. */
function composed(filter: TasksFilter, searches: boolean): string {
  const { status, project_id, updated_since, unread, archived, needs_you } = filter;
  const conditions = [
    'tasks.user_id = :user_id',
    'tasks.id NOT IN (SELECT id FROM removed)',
    ...(status ? ['status IN (SELECT value FROM json_each(:statuses))'] : []),
    ...(project_id !== undefined ? ['project_id = :project_id'] : []),
    ...(updated_since !== undefined ? ['updated_at >= :since'] : []),
    ...(unread !== undefined ? [`${unread ? '' : 'NOT '}(${UNREAD})`] : []),
    ...(archived !== undefined ? [`archived_at IS ${archived ? 'NOT ' : ''}NULL`] : []),
    ...(needs_you !== undefined ? [`${needs_you ? '' : 'NOT '}coalesce(${NEEDS_YOU}, 0)`] : []),
  ].join(' AND ');
  if (searches)
    return `SELECT tasks.* FROM search CROSS JOIN searchable ON searchable.id = search.rowid
        CROSS JOIN tasks ON tasks.id = searchable.task_id
      WHERE search MATCH :match AND ${conditions}
        AND search.rowid < coalesce((SELECT id FROM searchable WHERE task_id = :before),
          (SELECT max(id) + 1 FROM searchable WHERE task_id < :before), 1)
      ORDER BY search.rowid DESC LIMIT :limit`;
  const index =
    updated_since !== undefined
      ? 'tasks_by_update'
      : archived === undefined
        ? 'tasks_by_user'
        : archived
          ? 'tasks_archived'
          : 'tasks_kept';
  return `SELECT * FROM tasks WHERE id IN (
      SELECT id FROM tasks INDEXED BY ${index} WHERE ${conditions} AND id < :before ORDER BY id DESC LIMIT :limit
    ) ORDER BY id DESC`;
}

/** Some of a user's tasks by their ids, in no order. Those that are being deleted are left out. */
export function listTasksById(db: Db, user_id: string, ids: readonly string[]): TaskRow[] {
  return sql<Stored>(
    db,
    `SELECT * FROM tasks WHERE id IN (SELECT value FROM json_each(:ids)) AND user_id = :user_id AND id NOT IN (SELECT id FROM removed)`,
  )
    .all({ user_id, ids: JSON.stringify(ids) })
    .map(fromStored);
}

/** How many tasks one call of `listChanged` looks at. */
const LOOKED_AT = 200;

/**
 * The tasks with events above `after` (0: all), of the next ones with ids above `position`, oldest first. `next`: where
 * the next call goes on; undefined: there are no more. Only indexes are read, and two entries of them for each task,
 * however long the logs are.
 */
export function listChanged(
  db: Db,
  user_id: string,
  after: number,
  position: string,
): { ids: string[]; next: string | undefined } {
  const rows = sql<{ id: string; changed: number }>(
    db,
    `SELECT id, id NOT IN (SELECT id FROM removed)
       AND (:after = 0 OR (SELECT max(events.id) FROM events INDEXED BY events_by_task WHERE task_id = tasks.id) > :after) AS changed
     FROM tasks INDEXED BY tasks_by_user WHERE user_id = :user_id AND id > :position ORDER BY id LIMIT ${LOOKED_AT}`,
  ).all({ user_id, after, position });
  return {
    ids: rows.filter(({ changed }) => changed === 1).map(({ id }) => id),
    next: rows.length === LOOKED_AT ? rows.at(-1)?.id : undefined,
  };
}

/** The ids of a user's first queued tasks: those whose places people look at. */
export function listQueuedIds(db: Db, user_id: string): string[] {
  return sql<{ id: string }>(
    db,
    `SELECT id FROM tasks INDEXED BY tasks_by_user_status WHERE user_id = ? AND status = 'queued' ORDER BY id LIMIT 20`,
  )
    .all(user_id)
    .map(({ id }) => id);
}
