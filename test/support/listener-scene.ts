import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { ExecutionContext } from 'ava';
import { temporaryFolder } from './folder.ts';
import { startHeart, type Answer } from './heart.ts';
import { addTask, addUser, startAttempt } from './rows.ts';

type Options = Partial<Omit<Parameters<typeof startHeart>[0], 'folder'>>;

/** Starts the worker API with one attempt, until the test ends. */
export async function setListenerScene(t: ExecutionContext, options: Options = {}) {
  const folder = await temporaryFolder(t);
  const heart = await startHeart({ folder, ...options });
  t.teardown(heart.close);
  const user_id = addUser(heart.log);
  const { id } = addTask(heart.log, user_id);
  const attempt = startAttempt(heart.log, id, 'worker-one');
  const token = await heart.tokens.issue(id, attempt);
  const where = { port: heart.callback_port };
  const beat = { attempt, last_seq: 0, waiting_for: null };
  return { folder, heart, user_id, id, attempt, token, where, beat, path: `/internal/tasks/${id}/heartbeat` };
}

/** The status and the error code of an answer. */
export const refusal = ({ status, body }: Answer) => [status, (body as { code: string }).code];

/** Opens a raw connection. */
export async function rawSocket(where: { port: number } | { socketPath: string }): Promise<Socket> {
  const socket = 'port' in where ? connect(where.port, '127.0.0.1') : connect(where.socketPath);
  await once(socket, 'connect');
  return socket;
}

/** Reads the first chunk of the answer, or all of it. */
export async function readHead(socket: Socket, whole = false): Promise<string> {
  let text = '';
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    text += String(chunk);
    if (!whole) break;
  }
  return text;
}
