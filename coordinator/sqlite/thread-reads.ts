import { sql, type Db } from './database.ts';

/* What the log has of the issues and pull requests that a task names. */

/** The number of the pull request that a task goes on with. Undefined: it goes on with none. */
export function findContinuedPull(db: Db, task_id: string): number | undefined {
  const row = sql<{ number: number | null }>(
    db,
    `SELECT json_extract(body, '$.continue_pull') AS number FROM events INDEXED BY events_by_task
     WHERE task_id = ? AND type = 'task.created' ORDER BY id LIMIT 1`,
  ).get(task_id);
  return row?.number ?? undefined;
}

/** Whether a worker has begun the conversation: later attempts go on with what it says. */
export function hasConversation(db: Db, task_id: string): boolean {
  const text = `SELECT 1 FROM events INDEXED BY events_by_task
     WHERE task_id = ? AND seq IS NOT NULL AND type = 'conversation.started' LIMIT 1`;
  return sql(db, text).get(task_id) !== undefined;
}

/** The bodies of the task's `thread.read` events as JSON, oldest first. */
export function listThreadReads(db: Db, task_id: string): string[] {
  return sql<{ body: string }>(
    db,
    `SELECT body FROM events INDEXED BY events_of_server
     WHERE task_id = ? AND seq IS NULL AND type = 'thread.read' ORDER BY id`,
  )
    .all(task_id)
    .map(({ body }) => body);
}
