import { insertTask } from '../../coordinator/sqlite/tasks.ts';
import { newTask, type TaskRow } from '../../coordinator/domain/task.ts';
import type { EventLog } from '../../coordinator/sqlite/event-log.ts';

/**
 * Adds `count` errands of a user, oldest first, each with the first event of its log: without events the light feed
 * would take them for changes of a new device. `fieldsOf`: what differs in the errand of this number.
 */
export function addErrands(
  log: EventLog,
  user_id: string,
  count: number,
  fieldsOf: (i: number) => Partial<TaskRow>,
): TaskRow[] {
  const defaults = { user_id, project_id: null, base_branch: null, budget_usd: 1, max_turns: 10, priority: 0 };
  const from = {
    ...defaults,
    repo_url: 'https://forge.example/owner/name',
    prompt: 'finish',
    model: 'claude-sonnet-5-5',
  };
  return log.write((tx) =>
    Array.from({ length: count }, (_, i) => {
      const at = new Date().toISOString();
      const task: TaskRow = { ...newTask(from, at), ...fieldsOf(i) };
      insertTask(tx.db, task);
      const { prompt, repo_url, base_branch, model } = task;
      tx.note(task, { type: 'task.created', body: { prompt, repo_url, base_branch, model } }, at);
      return task;
    }),
  );
}
