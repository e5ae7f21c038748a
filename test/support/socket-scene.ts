import type { ExecutionContext } from 'ava';
import { memoryFolder } from './folder.ts';
import { startWorkerApiScene } from './worker-api-scene.ts';
import { addTask, addUser } from './fixtures.ts';
import type { SocketLimits } from '../../coordinator/live/feed.ts';

/** Starts a server's sockets with a user and a queued task, until the test ends. */
export async function setSocketScene(t: ExecutionContext, limits: Partial<SocketLimits> = {}) {
  const scene = await startWorkerApiScene({ folder: await memoryFolder(t), limits });
  t.teardown(scene.close);
  const user_id = addUser(scene.log);
  return { scene, user_id, task: addTask(scene.log, user_id) };
}
