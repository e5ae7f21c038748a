import type { z } from 'zod';
import type { TasksQuery } from '../../protocol/api.ts';
import { needsYou } from '../../protocol/task.ts';
import type { TaskRow } from '../domain/task.ts';
import type { Db } from '../sqlite/database.ts';
import { listTasks, type TasksFilter } from '../sqlite/task-lists.ts';

/** The cursor of a page that ends among the tasks that need their person. */
const AMONG_NEEDING = 'n.';

/** A page of a user's tasks. `project_id`, if it is there, must be one of the user's own projects. */
export function readTaskPage(
  db: Db,
  user_id: string,
  { order, cursor, limit, ...filter }: z.output<typeof TasksQuery>,
): { rows: TaskRow[]; next_cursor: string | null } {
  const read = (more: Partial<TasksFilter>): TaskRow[] =>
    listTasks(db, { ...filter, user_id, limit: limit + 1, ...more });
  const rows = order === 'needs_you' ? readNeedingFirst(read, cursor, limit) : read({ before: withoutMark(cursor) });
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  if (rows.length <= limit || !last) return { rows: page, next_cursor: null };
  return { rows: page, next_cursor: order === 'needs_you' && needsYou(last) ? AMONG_NEEDING + last.id : last.id };
}

function readNeedingFirst(read: (more: Partial<TasksFilter>) => TaskRow[], cursor: string | undefined, limit: number) {
  const begins = cursor === undefined || cursor.startsWith(AMONG_NEEDING);
  const needing = begins ? read({ needs_you: true, before: withoutMark(cursor) }) : [];
  if (needing.length > limit) return needing;
  const others = read({ needs_you: false, before: begins ? undefined : cursor, limit: limit + 1 - needing.length });
  return [...needing, ...others];
}

function withoutMark(cursor: string | undefined): string | undefined {
  return cursor?.startsWith(AMONG_NEEDING) ? cursor.slice(AMONG_NEEDING.length) : cursor;
}
