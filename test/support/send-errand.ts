import { setImmediate } from 'node:timers/promises';
import type { Task } from '../../protocol/task.ts';
import type { Api } from './api.ts';

export const repo_url = 'https://forge.example/a/b';

/** Creates a task and waits for the next millisecond, so that tasks have distinct times in order. */
export async function sendErrand(
  api: Api,
  body: { prompt?: string; project_id?: string; base_branch?: string; priority?: number; plan_first?: boolean } = {},
): Promise<Task> {
  const task = await api.call('createTask', {
    body: { prompt: 'Fix it.', ...(body.project_id === undefined && { repo_url }), ...body },
  });
  while (Date.now() <= Date.parse(task.created_at)) await setImmediate();
  return task;
}
