import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import type { OneTimeLink } from '../../protocol/accounts.ts';
import { ErrandError } from '../../protocol/problem.ts';
import { connectInFolder, listenInFolder } from '../base/folder-socket.ts';
import type { Logger } from '../base/logger.ts';

const EMAIL_CHARS_MAX = 254;
const REQUEST_MS = 5_000;
const socketPath = (data_dir: string) => join(data_dir, 'login.sock');
const Answer = z.object({ link: z.string(), expires_at: z.string() }).or(z.object({ error: z.string() }));

type LinkServiceDependencies = {
  data_dir: string;
  /** The address of the server on this machine, for when no other is known. */
  url: string;
  /** Makes a link for the account with this e-mail address; undefined: for the owner's. */
  create: (email: string | undefined) => OneTimeLink;
  logger: Logger;
};

/**
 * Makes log-in links for whoever has a shell on the server's machine, and may write to the data folder: they own the
 * server anyway. The database has a single writer, so `errand login-link` asks the server by a socket in that folder.
 * A client sends an e-mail address, or nothing, ends, and reads the answer.
 */
export class LinkService {
  readonly #deps: LinkServiceDependencies;
  readonly #server = createServer({ allowHalfOpen: true }, (socket) => void this.#serve(socket));

  constructor(dependencies: LinkServiceDependencies) {
    this.#deps = dependencies;
  }

  /** Starts to listen. Where that fails, it logs why: only that command does not work then. */
  async start(): Promise<void> {
    const path = socketPath(this.#deps.data_dir);
    try {
      await listenInFolder(this.#server, path);
    } catch (err) {
      this.#deps.logger.warn({ err, path }, 'log-in links cannot be made on the command line of the server');
    }
  }

  async stop(): Promise<void> {
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(socket: Socket): Promise<void> {
    socket.on('error', () => socket.destroy());
    socket.setTimeout(REQUEST_MS, () => socket.destroy());
    let email = '';
    try {
      for await (const piece of socket) {
        email += String(piece);
        if (email.length > EMAIL_CHARS_MAX) return void socket.destroy();
      }
      socket.end(JSON.stringify(this.#answer(email.trim().toLowerCase())));
    } catch {
      socket.destroy();
    }
  }

  #answer(email: string): z.infer<typeof Answer> {
    const { create, url, logger } = this.#deps;
    try {
      const { link, network_link, fragment, expires_at } = create(email === '' ? undefined : email);
      return { link: link ?? network_link ?? `${url}/#${fragment}`, expires_at };
    } catch (err) {
      if (!(err instanceof ErrandError)) logger.error({ err }, 'log-in link not made');
      return { error: err instanceof ErrandError ? err.message : 'The server could not make a link: see its log.' };
    }
  }
}

/** Asks the running server for a log-in link. Undefined: no server runs on this data folder. */
export async function linkByServer(
  data_dir: string,
  email: string | undefined,
  signal: AbortSignal,
): Promise<z.infer<typeof Answer> | undefined> {
  const socket = await connectInFolder(socketPath(data_dir), signal);
  if (!socket) return undefined;
  socket.end(email ?? '');
  return Answer.parse(JSON.parse(await text(socket)));
}
