import type { ExecutionContext } from 'ava';
import { temporaryFolder } from './folder.ts';
import { call, startHeart, type Heart } from './heart.ts';
import { addTask, addUser, startAttempt } from './rows.ts';

/** Starts the worker API with one attempt and functions for its callbacks, until the test ends. */
export async function setCallbackScene(t: ExecutionContext) {
  const heart = await startHeart({ folder: await temporaryFolder(t) });
  t.teardown(heart.close);
  const user_id = addUser(heart.log);
  const task = addTask(heart.log, user_id);
  const attempt = startAttempt(heart.log, task.id);
  return { heart, user_id, task_id: task.id, attempt, ...(await callerOf(heart, task.id, attempt)) };
}

/** The callbacks of an attempt's worker. */
export async function callerOf(heart: Heart, task_id: string, attempt: number) {
  const token = await heart.tokens.issue(task_id, attempt);
  const where = { port: heart.callback_port };
  const post = (name: string, body: unknown) =>
    call(where, { path: `/internal/tasks/${task_id}/${name}`, token, body });
  return {
    token,
    where,
    events: (events: unknown[], more = {}) => post('events', { attempt, events, ...more }),
    heartbeat: (more = {}) => post('heartbeat', { attempt, last_seq: 0, waiting_for: null, ...more }),
    result: (last_seq: number, more = {}) => post('result', { ...resultOf(attempt, last_seq), ...more }),
  };
}

/** The body of a result that reports success. */
export const resultOf = (attempt: number, last_seq: number) => ({
  attempt,
  last_seq,
  status: 'succeeded',
  reason: null,
  detail: null,
  summary: 'Done.',
  branch: null,
  commit: null,
  base_commit: null,
  diff_stat: { files: 0, insertions: 0, deletions: 0 },
  diff: 'diff --git',
  diff_truncated: false,
});
