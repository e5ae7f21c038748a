import type { ExecutionContext } from 'ava';
import { insertTaskPush } from '../../coordinator/sqlite/task-pushes.ts';
import { memoryFolder } from './folder.ts';
import { callWorkerApi } from './worker-api-call.ts';
import { startWorkerApiScene, type WorkerApiOptions, type WorkerApiScene } from './worker-api-scene.ts';
import { addTask, addUser, startAttempt } from './fixtures.ts';
import { SUCCEEDED } from './result.ts';

/** The event without which no attempt has succeeded. */
export const ready = (seq: number) => ({
  seq,
  at: '2026-01-02T03:04:05.678Z',
  type: 'repository.ready',
  body: { branch: 'b', base_branch: 'main', base_commit: null, commit: null },
});

/** Starts a running attempt, of a project with these commands; returns the callbacks of its worker. */
export async function setCallbackScene(
  t: ExecutionContext,
  commands: Parameters<typeof startAttempt>[3] = {},
  options: Partial<WorkerApiOptions> = {},
) {
  const scene = await startWorkerApiScene({ folder: await memoryFolder(t), ...options });
  t.teardown(scene.close);
  const user_id = addUser(scene.log);
  const task = addTask(scene.log, user_id);
  const attempt = startAttempt(scene.log, task.id, undefined, commands);
  return { scene, user_id, task_id: task.id, attempt, ...(await callerOf(scene, task.id, attempt)) };
}

/** The callbacks of an attempt's worker. */
export async function callerOf(scene: WorkerApiScene, task_id: string, attempt: number) {
  const token = await scene.tokens.issue(task_id, attempt);
  const where = { port: scene.callback_port };
  const post = (name: string, body: unknown) =>
    callWorkerApi(where, { path: `/internal/tasks/${task_id}/${name}`, token, body });
  const result = (last_seq: number, more = {}) => post('result', { ...resultOf(attempt, last_seq), ...more });
  return {
    token,
    where,
    /** Lets the task have pushed this commit. */
    seePush: (branch: string, commit: string, key: string | null = null) =>
      scene.log.write(({ db }) =>
        insertTaskPush(db, { task_id, key }, { ref: `refs/heads/${branch}`, commit, kept: [] }),
      ),
    events: (events: unknown[], more = {}) => post('events', { attempt, events, ...more }),
    result,
    /** The result of an attempt whose only event says that the repository is ready. */
    succeed: async (more = {}) => {
      await post('events', { attempt, events: [ready(1)] });
      return result(1, more);
    },
    heartbeat: (more = {}) => post('heartbeat', { attempt, last_seq: 0, waiting_for: null, ...more }),
    take: (...ids: string[]) => post('messages', { attempt, ids }),
  };
}

/** The body of a successful result. */
const resultOf = (attempt: number, last_seq: number) => ({
  attempt,
  last_seq,
  ...SUCCEEDED,
});
