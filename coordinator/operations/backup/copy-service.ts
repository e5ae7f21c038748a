import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { connectInFolder, listenInFolder } from '../../base/folder-socket.ts';
import type { Logger } from '../../base/logger.ts';
import { copyInSteps } from '../../sqlite/copy.ts';
import type { Db } from '../../sqlite/database.ts';
import { BackupError, messageOf } from './error.ts';

const DONE = 'done';

const socketPath = (data_dir: string) => join(data_dir, 'copy.sock');

/** The folder in which a backup works, and the copy of the database in it. */
export const workFolder = (data_dir: string): string => join(data_dir, 'backup-work');
export const copyPath = (data_dir: string): string => join(workFolder(data_dir), 'errand.db');

/**
 * Copies the server's database for a backup, which is a process of its own. A long read by another process would keep
 * SQLite from emptying the WAL, which then grows with every write; a copy in steps by the server itself does not. A
 * client connects to a socket in the data folder and waits for the answer: `done`, or what failed.
 */
export class CopyService {
  readonly #deps: { db: Db; data_dir: string; logger: Logger };
  readonly #server = createServer((socket) => void this.#serve(socket));
  readonly #open = new Set<Socket>();
  /** Whether a copy is in progress. The lock of the backups admits one at a time. */
  #copying = false;

  constructor(deps: { db: Db; data_dir: string; logger: Logger }) {
    this.#deps = deps;
  }

  /** Starts to listen. Where that fails, it logs why: backups then copy the database by themselves. */
  async start(): Promise<void> {
    const path = socketPath(this.#deps.data_dir);
    try {
      await listenInFolder(this.#server, path);
    } catch (error) {
      this.#deps.logger.warn(
        { err: error, path },
        'backups cannot ask for a copy; the WAL will grow while one is made',
      );
    }
  }

  /** Ends a copy in progress, whose backup then fails. A client that does not close its end is not waited for. */
  async stop(): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(socket: Socket): Promise<void> {
    const gone = new AbortController();
    socket.resume();
    socket.on('error', () => socket.destroy());
    this.#open.add(socket);
    socket.on('close', () => {
      this.#open.delete(socket);
      gone.abort();
    });
    if (this.#copying) return void socket.end('another copy is being made');
    this.#copying = true;
    try {
      await copyInSteps(this.#deps.db, copyPath(this.#deps.data_dir), gone.signal);
      socket.end(DONE);
    } catch (error) {
      socket.end(messageOf(error));
    }
    this.#copying = false;
  }
}

/**
 * Lets the running server copy its database to `copyPath`. False: no server listens. Throws a `BackupError` where the
 * copy failed.
 */
export async function copyByServer(data_dir: string, signal: AbortSignal): Promise<boolean> {
  const socket = await connectInFolder(socketPath(data_dir), signal);
  if (!socket) return false;
  const answer = await text(socket).catch(messageOf);
  socket.destroy();
  if (answer === DONE) return true;
  signal.throwIfAborted();
  throw new BackupError(`The server could not copy its database: ${answer || 'it has stopped'}.`);
}
