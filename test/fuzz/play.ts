import { once } from 'node:events';
import { connect } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { HostileConnection } from './hostile-connection.ts';
import type { Target } from './targets.ts';

/** After so long a silence the response counts as complete. */
const QUIET_MS = 60;
const MOST_MS = 2_000;
const NORMAL_MS = 10_000;

/** Makes the connection; resolves with the server's response, as Latin-1. Rejects if it cannot connect. */
export async function play({ to }: Target, { chunks, leave }: HostileConnection): Promise<string> {
  const socket = connect({ ...to, allowHalfOpen: true, noDelay: true });
  await once(socket, 'connect');
  const over = Promise.withResolvers<void>();
  // The server may reset the connection: that is a valid response.
  socket.on('error', () => over.resolve());
  socket.once('close', () => over.resolve());
  let answer = '';
  const quiet = setTimeout(over.resolve, QUIET_MS);
  socket.setEncoding('latin1').on('data', (text: string) => {
    answer += text;
    quiet.refresh();
  });
  const most = setTimeout(over.resolve, MOST_MS);
  for (const chunk of chunks) {
    if (socket.destroyed) break;
    socket.write(chunk, 'latin1');
    await nextTurn();
  }
  if (leave === 'half_close') socket.end();
  if (leave === 'reset') over.resolve();
  await over.promise;
  clearTimeout(quiet);
  clearTimeout(most);
  if (leave === 'reset' && 'port' in to && !socket.destroyed) socket.resetAndDestroy();
  else socket.destroy();
  return answer;
}

/** Sends the target's normal request. Rejects if the status is not 200. */
export async function requireNormal({ name, to, normal }: Target): Promise<void> {
  const socket = connect(to);
  let answer = '';
  socket.setEncoding('latin1').on('data', (text: string) => (answer += text));
  socket.write(normal);
  try {
    await once(socket, 'close', { signal: AbortSignal.timeout(NORMAL_MS) });
  } catch (cause) {
    throw new Error(`${name} no longer answers a normal request`, { cause });
  } finally {
    socket.destroy();
  }
  if (!answer.startsWith('HTTP/1.1 200 '))
    throw new Error(`${name} answers a normal request with ${answer.slice(0, 300)}`);
}
