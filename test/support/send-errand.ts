import { setImmediate } from 'node:timers/promises';
import type { Task } from '../../protocol/task.ts';
import type { Api } from './api.ts';

export const repo_url = 'https://forge.example/a/b';

/** Sends an errand, and waits for the next millisecond, so that errands are ordered as they were sent. */
export async function sendErrand(
  api: Api,
  body: { prompt?: string; project_id?: string; priority?: number } = {},
): Promise<Task> {
  const task = await api.call('createTask', {
    body: { prompt: 'Mend it.', ...(body.project_id === undefined && { repo_url }), ...body },
  });
  while (Date.now() <= Date.parse(task.created_at)) await setImmediate();
  return task;
}
