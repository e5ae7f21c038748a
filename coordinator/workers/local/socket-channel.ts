import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { WORKER_SOCKET } from '../../../protocol/worker.ts';
import { WorkerUnreachable, type WorkerResponse, type WorkerChannel, type WorkerRequest } from '../runner.ts';

/** Linux's O_PATH, which Node does not define: a handle of the file itself, without opening it. */
const O_PATH = 0o10000000;
const RESPONSE_BYTES_MAX = 64 * 1024;

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

  async call(call: WorkerRequest): Promise<WorkerResponse> {
    const socket = this.#openSocket();
    try {
      return await exchange(`/proc/self/fd/${socket}`, call);
    } catch (error) {
      const refused = error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED';
      throw new WorkerUnreachable(this.worker, refused, error);
    } finally {
      closeSync(socket);
    }
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

function exchange(socketPath: string, { method, path, content, signal }: WorkerRequest): Promise<WorkerResponse> {
  return new Promise((resolve, reject) => {
    const body = content === undefined ? undefined : Buffer.from(JSON.stringify(content));
    const headers = body ? { 'content-type': 'application/json', 'content-length': body.length } : {};
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
    call.end(body);
  });
}
