import { appendFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { serve } from '../../../coordinator/main.ts';
import type { Launcher, LaunchSpec } from '../../../coordinator/workers/local/launcher.ts';
import { LocalRunner } from '../../../coordinator/workers/local/local-runner.ts';
import { WorkerDirectories } from '../../../coordinator/workers/local/worker-directories.ts';
import type { Worker, WorkerEnd, WorkerSpec } from '../../../coordinator/workers/runner.ts';
import { COORDINATOR_SOCKET, CONTRACT_VERSION, WORKER_SOCKET } from '../../../protocol/worker.ts';
import { TASKS } from './tasks-file.ts';

/*
 * A program: the server as `npm start` runs it, but for its workers. They have their sockets, take a task and do
 * nothing with it: the load posts in their place. Each one's task, token and socket are a line of `TASKS` in the data
 * folder.
 */

/** Starts workers that are HTTP servers in this process. */
class StandIns implements Launcher {
  readonly name = 'process';
  readonly owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  readonly #tasks_path: string;
  readonly #servers = new Map<string, Server>();

  constructor(data_dir: string) {
    this.#tasks_path = join(data_dir, TASKS);
  }

  start({ name, mounts }: LaunchSpec): Promise<void> {
    const socket = join(mounts.coordinator_dir, COORDINATOR_SOCKET);
    const server = createServer((request, response) => void this.#answer(request, response, socket));
    this.#servers.set(name, server);
    return new Promise((resolve) => server.listen(join(mounts.worker_dir, WORKER_SOCKET), resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse, socket: string): Promise<void> {
    if (request.method === 'GET') {
      const about = { ok: true, contract_version: CONTRACT_VERSION, agent: 'bench', version: '1' };
      response.setHeader('content-type', 'application/json').end(JSON.stringify(about));
      return;
    }
    const body = await json(request);
    if (request.url === '/task') appendFileSync(this.#tasks_path, `${JSON.stringify({ ...Object(body), socket })}\n`);
    response.writeHead(202).end();
  }

  /** Never: it lives as long as this process. */
  ended(): Promise<WorkerEnd> {
    return new Promise(() => undefined);
  }

  async remove(name: string): Promise<void> {
    this.#servers.get(name)?.close();
    this.#servers.delete(name);
  }

  async list(): Promise<string[]> {
    return [...this.#servers.keys()];
  }

  async check(): Promise<null> {
    return null;
  }

  async close(): Promise<void> {
    for (const server of this.#servers.values()) server.close();
  }
}

class StandInRunner extends LocalRunner {
  /** Nothing writes to the workspaces: the server need not measure 64 of them. */
  override async open(spec: WorkerSpec): Promise<Worker> {
    return { ...(await super.open(spec)), local_dirs: [] };
  }
}

void serve({
  openRunner: async ({ config, workspaces, listeners }) => {
    const launcher = new StandIns(config.data_dir);
    const directories = new WorkerDirectories(config.data_dir, launcher.owner);
    return new StandInRunner({ launcher, directories, workspaces, listeners });
  },
});
