import { once } from 'node:events';
import { chmod, rm } from 'node:fs/promises';
import { connect, type Server, type Socket } from 'node:net';

/*
 * Sockets in the server's data folder: programs that the server's own user starts ask the server by them, since it
 * alone writes the database.
 */

/** Listens at `path`, which only the server's own user may open. Rejects where that fails. */
export async function listenInFolder(server: Server, path: string): Promise<void> {
  await rm(path, { force: true });
  server.listen(path);
  await once(server, 'listening');
  await chmod(path, 0o600);
}

/**
 * Connects to the server that listens at `path`. Either side may end its half first. Undefined: nobody listens there.
 * Rejects with the reason of `signal`.
 */
export async function connectInFolder(path: string, signal: AbortSignal): Promise<Socket | undefined> {
  const socket = connect({ path, signal, allowHalfOpen: true });
  try {
    await once(socket, 'connect');
    return socket;
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}
