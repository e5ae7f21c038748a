import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SAMPLE_REPO_URL } from '../../../protocol/task.ts';
import { Api } from '../../support/api.ts';
import { bundled } from '../../support/bundled.ts';
import { until } from '../../support/until.ts';
import { signUp, startServerProcess } from '../coordinator-process.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import type { Target } from './load.ts';
import { TASKS } from './tasks-file.ts';

export type HttpTarget = Extract<Target, { kind: 'http' }>;

/** Those of `npm start`. */
const FLAGS = readFileSync(new URL('../../../.start', import.meta.url), 'utf8').match(/--\S+/g) ?? [];
const START_MS = 60_000;

/** The command that starts `product-server.ts` as `npm start` starts the server: from one file, with the same flags. */
export function productCommand(): string[] {
  return [process.execPath, ...FLAGS, bundled('coordinator', 'test/bench/relay/product-server.ts')];
}

/**
 * Starts the server with as many workers, and gives a task to each of them. Resolves with its address, and with where a
 * load goes: the workers' sockets, and the socket of a client.
 */
export async function startProduct(
  stack: AsyncDisposableStack,
  worker_count: number,
): Promise<{ url: string; target: HttpTarget }> {
  const { path } = stack.use(await temporaryFolder());
  const env = {
    PORT: '0',
    ERRAND_CALLBACK_PORT: '0',
    ERRAND_DATA: path,
    ERRAND_LOG: 'warn',
    ERRAND_WORKERS: String(worker_count),
    ERRAND_WARM_WORKERS: '0',
  };
  const server = stack.use(await startServerProcess(productCommand(), env));
  const { user, access_token } = await signUp(server.url, path);
  const api = new Api(server.url, access_token);
  for (let i = 0; i < worker_count; i++)
    await api.call('createTask', { body: { prompt: 'Wait', repo_url: SAMPLE_REPO_URL } });
  const tasks_path = join(path, TASKS);
  const tasks = () => (existsSync(tasks_path) ? readFileSync(tasks_path, 'utf8').trim().split('\n') : []);
  await until('every worker has a task', () => tasks().length === worker_count, START_MS);
  const workers = tasks().map((line) => {
    const { task_id, token, socket }: { task_id: string; token: string; socket: string } = JSON.parse(line);
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    return { task_id, socket, path: `/internal/tasks/${task_id}/events`, headers };
  });
  const url = `${server.url.replace('http', 'ws')}/ws/${user.id}`;
  const protocols = ['errand.v1', `bearer.${access_token}`];
  const watch = { url, protocols, task_id: workers[0]?.task_id ?? null };
  return { url: server.url, target: { kind: 'http', workers, watch } };
}
