import type { Diff } from '../../protocol/api.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { ErrandError } from '../../protocol/problem.ts';
import type { TaskRow } from '../domain/task.ts';
import { narrowDiff } from '../domain/narrow-diff.ts';
import { firstKey } from '../domain/task-repository.ts';
import type { Db } from '../sqlite/database.ts';
import { findDiff } from '../sqlite/diffs.ts';
import type { EventLog } from '../sqlite/event-log.ts';
import { eventText, findEvent, readTaskEvents, readTaskEventsBefore } from '../sqlite/events.ts';
import { markRead } from '../sqlite/read-marks.ts';
import { findRepositoryDiff, findTaskRepository } from '../sqlite/task-repositories.ts';
import { requireTask } from '../tasks/task-commands.ts';
import { JsonText } from './json-text.ts';
import type { Handlers } from './router.ts';

type TaskLogDependencies = {
  log: EventLog;
  /** Tells whoever watches that a task has changed without an event. */
  feed: { touch: (user_id: string, task_id: string) => void };
};

/**
 * What the task changed in the repository with this key; undefined: in its first one. Throws `not_found` if it has no
 * such repository.
 */
function readDiff(db: Db, task: TaskRow, key: string | undefined): Diff {
  const other = key === undefined ? undefined : findTaskRepository(db, task.id, key);
  if (!other && key !== undefined && key !== firstKey(task))
    throw new ErrandError('not_found', 'The errand has no repository with this key.', {
      errors: [{ field: '/repository', message: 'is not the key of one of its repositories' }],
    });
  const { result, pushed_branch } = other ?? task;
  const found = other ? findRepositoryDiff(db, task.id, other.key) : findDiff(db, task.id);
  return {
    ...(found ?? { diff: '', truncated: false }),
    branch: result?.branch ?? pushed_branch,
    base_commit: result?.base_commit ?? null,
    commit: result?.commit ?? null,
  };
}

/** The log of a task, how far it was read, and what the task changed. */
export function taskLogHandlers({
  log,
  feed,
}: TaskLogDependencies): Pick<Handlers, 'listEvents' | 'getEvent' | 'markRead' | 'getDiff'> {
  const { db } = log;
  return {
    listEvents: ({ who, params, query: { after = 0, before, limit, bodies } }) => {
      const { id: task_id } = requireTask(db, who.user_id, params.id);
      const page = { task_id, limit, bytes_max: LIMITS.page_bytes_max };
      const { rows, more } =
        before === undefined ? readTaskEvents(db, { ...page, after }) : readTaskEventsBefore(db, { ...page, before });
      const next_cursor = more ? rows.at(before === undefined ? -1 : 0)?.id : null;
      const items = rows.map((row) => eventText(row, bodies)).join();
      return new JsonText(`{"items":[${items}],"next_cursor":${next_cursor}}`);
    },
    getEvent: ({ who, params }) => {
      const { id: task_id } = requireTask(db, who.user_id, params.id);
      const row = findEvent(db, task_id, Number(params.event_id));
      if (!row) throw new ErrandError('not_found', 'There is no such event in the log of this task.');
      return new JsonText(eventText(row));
    },
    markRead: ({ who, params, body }) => {
      const { id } = requireTask(db, who.user_id, params.id);
      if (log.write((tx) => markRead(tx.db, id, body.event_id))) feed.touch(who.user_id, id);
      return undefined;
    },
    getDiff: ({ who, params, query: { repository, context } }) => {
      const kept = readDiff(db, requireTask(db, who.user_id, params.id), repository);
      return context === 'all' ? kept : { ...kept, diff: narrowDiff(kept.diff) };
    },
  };
}
