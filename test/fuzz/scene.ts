import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { once } from 'node:events';
import { Api } from '../support/api.ts';
import { CoordinatorProcess, TCP_MAIN } from '../support/coordinator-process.ts';
import { temporaryFolder } from '../support/folder.ts';
import { freePort } from '../support/free-port.ts';
import { workerPid } from '../support/processes.ts';
import { taskTokensOf } from '../support/task-tokens.ts';
import { until } from '../support/until.ts';
import { setupCodeOf } from '../support/setup-code.ts';

export type Scene = Awaited<ReturnType<typeof startScene>>;

/** The name by which tunnels of the task reach the test's own TCP server. */
const TUNNEL_HOST = 'localhost';

/**
 * Starts a coordinator in a separate process, and an errand whose worker, also a process, runs the project's setup
 * command until `finish`. So every listener is open, also those of the demo model and of a worker with a task.
 */
export async function startScene(t: ExecutionContext) {
  const data_dir = await temporaryFolder(t);
  const [callback_port, tunnel_port] = [await freePort(), await startFarEnd(t)];
  const settings = {
    ERRAND_RUNNER: 'process',
    ERRAND_SIGNUP: 'open',
    ERRAND_CALLBACK_PORT: String(callback_port),
    ERRAND_PRIVATE_HOSTS: `${TUNNEL_HOST}:${tunnel_port}`,
    ERRAND_LOG: 'error',
  };
  const coordinator = CoordinatorProcess.start(t, data_dir, settings, TCP_MAIN);
  const url = await coordinator.url();
  const api = new Api(url);
  const body = { email: 'ann@example.org', password: 'correct horse battery', setup_code: setupCodeOf(data_dir) };
  const session = await api.call('signup', { body });
  api.token = session.access_token;
  const go = join(data_dir, 'go');
  const project = await api.call('createProject', {
    body: {
      name: 'sample',
      repo_url: 'errand://sample',
      setup_command: `until [ -e '${go}' ]; do sleep 0.2; done`,
      egress: 'list',
      egress_hosts: [TUNNEL_HOST],
    },
  });
  const { id } = await api.call('createTask', { body: { prompt: 'Make the tests pass', project_id: project.id } });
  await until('the worker runs the setup command', async () => {
    const { waiting_for } = await api.call('getTask', { params: { id } });
    return waiting_for?.kind === 'command';
  });
  const worker = await until('the worker has its directories', () => readWorker(data_dir));
  return {
    coordinator,
    url,
    api,
    session,
    callback_port,
    tunnel: `${TUNNEL_HOST}:${tunnel_port}`,
    task_id: id,
    task_token: await taskTokensOf(data_dir).issue(id, 1),
    worker,
    finish: () => writeFileSync(go, ''),
  };
}

function readWorker(data_dir: string) {
  const dir = join(data_dir, 'workers');
  const [name] = existsSync(dir) ? readdirSync(dir) : [];
  if (name === undefined) return undefined;
  return {
    pid: workerPid(dir, name),
    socket: join(dir, name, 'worker', 'worker.sock'),
    coordinator_socket: join(dir, name, 'coordinator', 'coordinator.sock'),
  };
}

/** The server at the end of the tunnels: it echoes data, and resets the connection if the first byte is odd. */
async function startFarEnd(t: ExecutionContext): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      if ((chunk[0] ?? 0) % 2 === 1) socket.resetAndDestroy();
      else socket.write(chunk);
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.teardown(() => server.close());
  return (server.address() as AddressInfo).port;
}
