import type { ExecutionContext } from 'ava';
import { temporaryFolder } from './folder.ts';
import { startHeart } from './heart.ts';
import { addTask, addUser } from './rows.ts';
import type { SocketLimits } from '../../coordinator/live/feed.ts';

/** A server's sockets, a user and a queued task of theirs, until the test ends. */
export async function setSocketScene(t: ExecutionContext, limits: Partial<SocketLimits> = {}) {
  const heart = await startHeart({ folder: await temporaryFolder(t), limits });
  t.teardown(heart.close);
  const user_id = addUser(heart.log);
  return { heart, user_id, task: addTask(heart.log, user_id) };
}
