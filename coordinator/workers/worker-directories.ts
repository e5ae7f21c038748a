import { execFile } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { COORDINATOR_SOCKET, WORKER_SOCKET } from '../../protocol/worker.ts';

const run = promisify(execFile);

/** The path of a unix socket, with its closing NUL, has 108 bytes in the kernel. */
const SOCKET_PATH_BYTES_MAX = 107;
/** How long it may take to make what is to be removed writable. */
const MAKE_WRITABLE_MS = 60_000;
const WORKER_NAME = /^errand-[0-9a-hjkmnp-tv-z]{10}$/;
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/** A new worker's name: unique among all servers of a machine, and short, since its folder's path ends in a socket. */
export function newWorkerName(): string {
  let name = 'errand-';
  for (const byte of crypto.getRandomValues(new Uint8Array(10))) name += ALPHABET.charAt(byte % 32);
  return name;
}

/** The two directories between the coordinator and one worker, as this process sees them. */
export type Link = {
  name: string;
  /** Read-only to the worker; `coordinator_socket` is in it. */
  coordinator_dir: string;
  coordinator_socket: string;
  /** The worker's own: hostile until shown otherwise. */
  worker_dir: string;
};

/**
 * The folders of workers below the data folder: `workers/<name>` is a worker's link and goes with it; `workspaces/<name>` is a task's
 * workspace, named after the first worker that had it, and outlives that worker.
 */
export class WorkerDirectories {
  readonly workers_dir: string;
  readonly workspaces_dir: string;
  readonly #owner: { uid: number; gid: number };

  /** `owner`: who the workers run as. Nothing is made before it is asked for. */
  constructor(data_dir: string, owner: { uid: number; gid: number }) {
    this.workers_dir = join(data_dir, 'workers');
    this.workspaces_dir = join(data_dir, 'workspaces');
    this.#owner = owner;
  }

  /** Where a worker's link is, or would be. Throws where the name is not one of a worker. */
  link(name: string): Link {
    const dir = this.#below(this.workers_dir, name);
    const coordinator_dir = join(dir, 'coordinator');
    return {
      name,
      coordinator_dir,
      coordinator_socket: join(coordinator_dir, COORDINATOR_SOCKET),
      worker_dir: join(dir, 'worker'),
    };
  }

  workspace(name: string): string {
    return this.#below(this.workspaces_dir, name);
  }

  /** Makes a worker's two directories, where they are not there yet. */
  makeLink(name: string): Link {
    const link = this.link(name);
    // Nobody else on the machine passes here; a container gets the inner directories mounted, past this one.
    mkdirSync(this.workers_dir, { recursive: true, mode: 0o700 });
    // The worker connects to a socket in it as another user, and so must be let through.
    makeDirectory(link.coordinator_dir, 0o755);
    this.#makeOwn(link.worker_dir);
    return link;
  }

  /** Makes a workspace with the folders that a worker expects in it, and gives its path. What is there already stays. */
  makeWorkspace(name: string): string {
    const dir = this.workspace(name);
    mkdirSync(this.workspaces_dir, { recursive: true, mode: 0o700 });
    // An older worker could have put a link in place of an inner folder: those are made, and given away, with the workspace alone.
    if (this.#makeOwn(dir)) for (const inner of ['home', 'spool']) this.#makeOwn(join(dir, inner));
    return dir;
  }

  /** Removes a worker's link. Links inside are removed, never followed. */
  async removeLink(name: string): Promise<void> {
    await removeTree(this.#below(this.workers_dir, name));
  }

  /**
   * Gives a workspace another name, at once and whole, and gives that name: whoever asks for the old one gets an empty folder, and none that is half
   * gone. Undefined: it was not there.
   */
  setWorkspaceAside(name: string): string | undefined {
    const aside = newWorkerName();
    try {
      renameSync(this.workspace(name), this.workspace(aside));
      return aside;
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return undefined;
      throw error;
    }
  }

  /** The same for a workspace. */
  async removeWorkspace(name: string): Promise<void> {
    await removeTree(this.workspace(name));
  }

  /** The names of all workers that have a link. */
  listLinks(): string[] {
    return listNames(this.workers_dir);
  }

  listWorkspaces(): string[] {
    return listNames(this.workspaces_dir);
  }

  #below(parent: string, name: string): string {
    if (!WORKER_NAME.test(name)) throw new Error(`'${name}' is not the name of a worker.`);
    return join(parent, name);
  }

  /** Makes a directory for the worker alone. False: it was there. */
  #makeOwn(dir: string): boolean {
    if (!makeDirectory(dir, 0o700)) return false;
    if (this.#owner.uid !== process.getuid?.()) chownSync(dir, this.#owner.uid, this.#owner.gid);
    return true;
  }
}

/** What is wrong with a data folder as far as sockets are concerned, in words, or null: their path must fit into the kernel's 108 bytes. */
export function dataPathFault(data_dir: string): string | null {
  const { coordinator_socket, worker_dir } = new WorkerDirectories(data_dir, { uid: 0, gid: 0 }).link(newWorkerName());
  const longest = Math.max(Buffer.byteLength(coordinator_socket), Buffer.byteLength(join(worker_dir, WORKER_SOCKET)));
  const over = longest - SOCKET_PATH_BYTES_MAX;
  if (over <= 0) return null;
  return (
    `The data folder's path has ${over} bytes too many: ${data_dir}. The sockets of workers are made in it, and the system allows a socket's ` +
    `path ${SOCKET_PATH_BYTES_MAX} bytes. Set ERRAND_DATA to a folder with a shorter path (${Buffer.byteLength(data_dir) - over} bytes at most).`
  );
}

function makeDirectory(dir: string, mode: number): boolean {
  const made = mkdirSync(dir, { recursive: true, mode }) !== undefined;
  // Whatever the umask took away.
  if (made) chmodSync(dir, mode);
  return made;
}

function listNames(dir: string): string[] {
  try {
    return readdirSync(dir).filter((name) => WORKER_NAME.test(name));
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  }
}

async function removeTree(dir: string): Promise<void> {
  const remove = () => rm(dir, { recursive: true, force: true, maxRetries: 3 });
  try {
    await remove();
  } catch (error) {
    if (!hasCode(error, 'EACCES')) throw error;
    // To all but root a read-only folder keeps what is in it, and some tools make such (Go's module cache). A link on its way chmod does not follow.
    // What it could not do is said by what comes next.
    await run('chmod', ['-Rf', 'u+rwX', '--', dir], { timeout: MAKE_WRITABLE_MS }).catch(() => undefined);
    await remove();
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
