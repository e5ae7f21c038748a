import type { Db } from '../sqlite/database.ts';
import { listTaskRepositories } from '../sqlite/task-repositories.ts';
import type { CheckedEvent } from './validate-events.ts';

/**
 * Why a worker cannot do a task with several repositories; null: it can, or the task has one. The first event of an
 * attempt decides: a worker that does not know of further repositories would work in the first alone, and say that it
 * is done.
 */
export function repositoriesFault(
  db: Db,
  task_id: string,
  last_seq: number,
  events: readonly CheckedEvent[],
): string | null {
  const first = events.find(({ seq }) => seq === last_seq + 1);
  if (last_seq > 0 || !first) return null;
  const { acts } = first;
  if (acts?.type === 'agent.started' && acts.body.takes_repositories === true) return null;
  const others = listTaskRepositories(db, task_id).length;
  if (others === 0) return null;
  return `This errand works in ${others + 1} repositories, and its worker knows only one: upgrade the worker image.`;
}
