import { join } from 'node:path';
import { COORDINATOR_SOCKET, WORKER_SOCKET } from '../../../protocol/worker.ts';
import { listNames, makeDirectory, makeParent, makePrivate, type Owner } from '../directories.ts';
import { isWorkerName, newWorkerName } from '../worker-name.ts';
import { removeTree } from '../workspaces.ts';

/** The path of a unix socket has 108 bytes in the kernel, with its closing NUL. */
const SOCKET_PATH_BYTES_MAX = 107;
/** The worker connects to a socket in the coordinator's directory as another user: it may pass through, not list. */
const COORDINATOR_DIR_MODE = 0o711;

/** The two directories between the coordinator and one worker, as this process sees them. */
export type SocketDirectories = {
  /** Read-only to the worker. `coordinator_socket` is in it. */
  coordinator_dir: string;
  coordinator_socket: string;
  /** The worker's own: hostile until shown otherwise. */
  worker_dir: string;
};

/** The directories of workers on this machine: `workers/<name>` below the data folder, removed with the worker. */
export class WorkerDirectories {
  /** The parent of all of them. */
  readonly workers_dir: string;
  readonly #owner: Owner;

  /** `owner`: who the workers run as. Makes nothing yet. */
  constructor(data_dir: string, owner: Owner) {
    this.workers_dir = join(data_dir, 'workers');
    this.#owner = owner;
  }

  /** Where a worker's directories are, or would be. Throws where this is not the name of a worker. */
  of(name: string): SocketDirectories {
    const dir = this.#dir(name);
    const coordinator_dir = join(dir, 'coordinator');
    return {
      coordinator_dir,
      coordinator_socket: join(coordinator_dir, COORDINATOR_SOCKET),
      worker_dir: join(dir, 'worker'),
    };
  }

  /** Makes a worker's two directories where they are not there yet. */
  make(name: string): SocketDirectories {
    const directories = this.of(name);
    // Other users of the machine stop here. A container gets the inner directories mounted and does not pass this one.
    makeParent(this.workers_dir);
    makeDirectory(directories.coordinator_dir, COORDINATOR_DIR_MODE);
    makePrivate(directories.worker_dir, this.#owner);
    return directories;
  }

  /** Removes a worker's directories. Links inside are removed, never followed. */
  async remove(name: string): Promise<void> {
    await removeTree(this.#dir(name));
  }

  /** The names of all workers that have directories. */
  list(): string[] {
    return listNames(this.workers_dir).filter(isWorkerName);
  }

  #dir(name: string): string {
    if (!isWorkerName(name)) throw new Error(`'${name}' is not the name of a worker.`);
    return join(this.workers_dir, name);
  }
}

/** What is wrong with a data folder as far as sockets are concerned, in plain words, or null: their path must fit into the kernel's 108 bytes. */
export function dataPathFault(data_dir: string): string | null {
  const { coordinator_socket, worker_dir } = new WorkerDirectories(data_dir, { uid: 0, gid: 0 }).of(newWorkerName());
  const longest = Math.max(Buffer.byteLength(coordinator_socket), Buffer.byteLength(join(worker_dir, WORKER_SOCKET)));
  const over = longest - SOCKET_PATH_BYTES_MAX;
  if (over <= 0) return null;
  return (
    `The data folder's path is ${over} bytes too long: ${data_dir}. Sockets of workers are made in it, and the system limits a socket's ` +
    `path to ${SOCKET_PATH_BYTES_MAX} bytes. Set ERRAND_DATA to a folder with a shorter path (${Buffer.byteLength(data_dir) - over} bytes at most).`
  );
}
