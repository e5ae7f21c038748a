import { closeSync, constants, fstatSync, lstatSync, openSync, watch, type FSWatcher } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { WORKER_SOCKET } from '../../../protocol/worker.ts';
import { WorkerUnreachable, type WorkerResponse, type WorkerChannel, type WorkerRequest } from '../runner.ts';
import { errorCode } from '../../base/error-code.ts';

/** Linux's O_PATH, which Node does not define: a handle of the file itself, without opening it. */
const O_PATH = 0o10000000;
const RESPONSE_BYTES_MAX = 64 * 1024;
/** Between two looks for the socket, for file systems that report no changes. */
const LOOK_MS = 100;

/**
 * Calls a worker through the socket in the worker's own directory. An attacker may control the worker, so the call
 * never follows a link to another socket, and the response has a size limit.
 */
export class SocketChannel implements WorkerChannel {
  readonly worker: string;
  readonly #worker_dir: string;

  constructor(worker: string, worker_dir: string) {
    this.worker = worker;
    this.#worker_dir = worker_dir;
  }

  /** Resolves once the worker has made its socket. */
  async untilListening(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#isMade()) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const look = () => void (this.#isMade() && resolve());
    const abort = () => reject(signal.reason);
    const timer = setInterval(look, LOOK_MS);
    const watcher = watchDirectory(this.#worker_dir, (name) => name === WORKER_SOCKET && look());
    signal.addEventListener('abort', abort);
    // The socket may have been made before the watch began.
    look();
    try {
      await promise;
    } finally {
      clearInterval(timer);
      watcher?.close();
      signal.removeEventListener('abort', abort);
    }
  }

  async call(call: WorkerRequest): Promise<WorkerResponse> {
    const socket = this.#openSocket();
    try {
      return await exchange(`/proc/self/fd/${socket}`, call);
    } catch (error) {
      const refused = errorCode(error) === 'ECONNREFUSED';
      throw new WorkerUnreachable(this.worker, refused, error);
    } finally {
      closeSync(socket);
    }
  }

  /** Whether there is a file where the socket should be. A call refuses what is not a socket. */
  #isMade(): boolean {
    return lstatSync(join(this.#worker_dir, WORKER_SOCKET), { throwIfNoEntry: false }) !== undefined;
  }

  /**
   * Opens a handle of the worker's socket. It first takes the handle, then checks it, and the connection goes to the
   * handle: so it always connects to a socket that the worker made, however fast the worker renames files in its
   * directory.
   */
  #openSocket(): number {
    let handle: number;
    try {
      handle = openSync(join(this.#worker_dir, WORKER_SOCKET), O_PATH | constants.O_NOFOLLOW);
    } catch (error) {
      throw new WorkerUnreachable(this.worker, true, error);
    }
    if (fstatSync(handle).isSocket()) return handle;
    closeSync(handle);
    throw new Error(`${WORKER_SOCKET} of the worker ${this.worker} is not a socket.`);
  }
}

/** Calls `onChange` with the name of each file that changes. Undefined: the system has no watch left. */
function watchDirectory(dir: string, onChange: (name: string | null) => void): FSWatcher | undefined {
  try {
    return watch(dir, { persistent: false }, (_, name) => onChange(name)).on('error', () => undefined);
  } catch {
    return undefined;
  }
}

function exchange(socketPath: string, { method, path, json, signal }: WorkerRequest): Promise<WorkerResponse> {
  return new Promise((resolve, reject) => {
    const headers = json ? { 'content-type': 'application/json', 'content-length': json.length } : {};
    const call = request({ socketPath, method, path, headers, signal, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > RESPONSE_BYTES_MAX)
          response.destroy(new Error(`The response is longer than ${RESPONSE_BYTES_MAX} bytes.`));
        else chunks.push(chunk);
      });
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
      );
    });
    call.on('error', reject);
    call.end(json);
  });
}
