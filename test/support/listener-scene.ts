import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { ExecutionContext } from 'ava';
import { TaskTokens } from '../../coordinator/auth/task-tokens.ts';
import { KeyRing } from '../../coordinator/base/key-ring.ts';
import { memoryFolder } from './folder.ts';
import { type WorkerApiResponse } from './worker-api-call.ts';
import { startWorkerApiScene } from './worker-api-scene.ts';
import { addTask, addUser, startAttempt } from './fixtures.ts';

type SceneOptions = Partial<Omit<Parameters<typeof startWorkerApiScene>[0], 'folder'>>;

/** Starts a running attempt and the listener for its worker's calls, until the test ends. */
export async function setListenerScene(t: ExecutionContext, options: SceneOptions = {}) {
  const folder = await memoryFolder(t);
  const scene = await startWorkerApiScene({ folder, ...options });
  t.teardown(scene.close);
  const user_id = addUser(scene.log);
  const { id } = addTask(scene.log, user_id);
  const attempt = startAttempt(scene.log, id, 'worker-one');
  const token = await scene.tokens.issue(id, attempt);
  const where = { port: scene.callback_port };
  const beat = { attempt, last_seq: 0, waiting_for: null };
  return { folder, scene, user_id, id, attempt, token, where, beat, path: `/internal/tasks/${id}/heartbeat` };
}

/** Those of another server. */
export const foreignTokens = () =>
  new TaskTokens(new KeyRing({ id: 'first', key: new Uint8Array(32).fill(9) }), 'elsewhere');

/** The status and the error code of a response. */
export const refusal = ({ status, body }: WorkerApiResponse) => [status, (body as { code: string }).code];

/** A plain TCP or unix-socket connection. */
export async function rawSocket(where: { port: number } | { socketPath: string }): Promise<Socket> {
  const socket = 'port' in where ? connect(where.port, '127.0.0.1') : connect(where.socketPath);
  await once(socket, 'connect');
  return socket;
}

/** Reads the first chunk of a response, or all of it. */
export async function readHead(socket: Socket, whole = false): Promise<string> {
  let text = '';
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    text += String(chunk);
    if (!whole) break;
  }
  return text;
}
