import { join } from 'node:path';
import { COORDINATOR_SOCKET, WORKER_SOCKET } from '../../../protocol/worker.ts';
import { listNames, makeDirectory, makeParent, makePrivate, type Owner } from '../directories.ts';
import { isWorkerName, newWorkerName } from '../worker-name.ts';
import { Trash } from '../trash.ts';

/** The kernel has 108 bytes for the path of a unix socket, with the NUL at its end. */
const SOCKET_PATH_BYTES_MAX = 107;
/**
 * The worker, another user, connects to a socket in the coordinator's directory: it may pass through but not list it.
 */
const COORDINATOR_DIR_MODE = 0o711;

/** The two directories between the coordinator and one worker. The paths are those of this process. */
export type SocketDirectories = {
  /** Read-only for the worker. It has `coordinator_socket`. */
  coordinator_dir: string;
  coordinator_socket: string;
  /** The worker's own. Treat everything in it as hostile. */
  worker_dir: string;
};

/** The directories of workers on this machine: `workers/<name>` in the data folder, removed with the worker. */
export class WorkerDirectories {
  readonly data_dir: string;
  /** The parent of all of them. */
  readonly workers_dir: string;
  readonly #owner: Owner;
  readonly #trash: Trash;

  /** `owner`: the user of the workers. Creates nothing yet. */
  constructor(data_dir: string, owner: Owner, trash = new Trash(data_dir)) {
    this.#trash = trash;
    this.data_dir = data_dir;
    this.workers_dir = join(data_dir, 'workers');
    this.#owner = owner;
  }

  /** The paths of a worker's directories, whether they exist or not. Throws if the name is not valid. */
  of(name: string): SocketDirectories {
    const dir = this.#dir(name);
    const coordinator_dir = join(dir, 'coordinator');
    return {
      coordinator_dir,
      coordinator_socket: join(coordinator_dir, COORDINATOR_SOCKET),
      worker_dir: join(dir, 'worker'),
    };
  }

  /** Creates a worker's two directories, unless they exist. */
  make(name: string): SocketDirectories {
    const directories = this.of(name);
    // Other users of the machine cannot pass this directory. A container mounts the inner directories and needs no
    // access to it.
    makeParent(this.workers_dir);
    makeDirectory(directories.coordinator_dir, COORDINATOR_DIR_MODE);
    makePrivate(directories.worker_dir, this.#owner);
    return directories;
  }

  /** Removes a worker's directories. Links inside are removed, never followed. */
  async remove(name: string): Promise<void> {
    await this.#trash.take(this.#dir(name));
  }

  /** The names of all workers with directories. */
  list(): string[] {
    return listNames(this.workers_dir).filter(isWorkerName);
  }

  #dir(name: string): string {
    if (!isWorkerName(name)) throw new Error(`'${name}' is not the name of a worker.`);
    return join(this.workers_dir, name);
  }
}

/**
 * Why the data folder's path is too long for the sockets in it, as a sentence for the server's owner; null if it is
 * not.
 */
export function dataPathFault(data_dir: string): string | null {
  const { coordinator_socket, worker_dir } = new WorkerDirectories(data_dir, { uid: 0, gid: 0 }).of(newWorkerName());
  const longest = Math.max(Buffer.byteLength(coordinator_socket), Buffer.byteLength(join(worker_dir, WORKER_SOCKET)));
  const over = longest - SOCKET_PATH_BYTES_MAX;
  if (over <= 0) return null;
  return (
    `The data folder's path is ${over} bytes too long: ${data_dir}. It has the sockets of workers, and the system limits a socket's ` +
    `path to ${SOCKET_PATH_BYTES_MAX} bytes. Set ERRAND_DATA to a folder with a shorter path (${Buffer.byteLength(data_dir) - over} bytes at most).`
  );
}
