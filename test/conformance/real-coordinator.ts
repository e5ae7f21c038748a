import type { ExecutionContext } from 'ava';
import { join } from 'node:path';
import { endAttempt } from '../../coordinator/tasks/advance.ts';
import { EventLog } from '../../coordinator/sqlite/event-log.ts';
import { openDatabase } from '../../coordinator/sqlite/open-database.ts';
import { startErrand, type Person } from '../support/errand.ts';
import { startAttempt, taskOf } from '../support/fixtures.ts';
import { SILENT } from '../support/silent.ts';
import { taskTokensOf } from '../support/task-tokens.ts';
import type { RunnerContext } from '../../coordinator/workers/choice/choose-runner.ts';
import type { Runner } from '../../coordinator/workers/runner.ts';
import type { CoordinatorUnderTest, OpenTask } from './coordinator-calls.ts';

/** Starts no worker, so that tasks stay in the queue. */
const IDLE_RUNNER: Runner = {
  name: 'idle',
  can_call: false,
  open: () => Promise.reject(new Error('It starts no worker.')),
  list: () => Promise.resolve([]),
  listLocal: () => [],
  remove: () => Promise.resolve(),
  check: () => Promise.resolve('It starts no worker.'),
  close: () => Promise.resolve(),
};

/**
 * The whole real coordinator, with a runner that starts no worker. A person sends the task; this code writes the rows
 * of its attempt, as the dispatcher does.
 */
export async function realCoordinator(t: ExecutionContext): Promise<CoordinatorUnderTest & { person: Person }> {
  let origin = '';
  const runner = async ({ listeners }: RunnerContext) => {
    origin = await listeners.listenOnTcp();
    return IDLE_RUNNER;
  };
  const { data_dir, person: account, project } = await startErrand(t, { runner });
  const person = await account('ann');
  const { api } = person;
  const db = openDatabase(join(data_dir, 'errand.db'));
  t.teardown(() => db.close());
  const log = new EventLog({ db, logger: SILENT });
  const tokens = taskTokensOf(data_dir);
  const prompt = 'Keep the contract';
  const openTask = async (id: string): Promise<OpenTask> => {
    const attempt = startAttempt(log, id);
    const params = { id };
    return {
      address: { origin, socket_path: null },
      task_id: id,
      attempt,
      token: await tokens.issue(id, attempt),
      say: async (text) => (await api.call('createMessage', { params, body: { text } })).message_id,
      cancel: async () => void (await api.call('cancelTask', { params })),
      giveUp: async () => {
        const end = { status: 'failed', reason: 'worker_lost', detail: null, at: new Date().toISOString() } as const;
        log.write((tx) => endAttempt(tx, taskOf(log, id), attempt, end));
      },
    };
  };
  let n = 0;
  return {
    person,
    open: async () => openTask((await api.call('createTask', { body: { prompt, repo_url: 'errand://sample' } })).id),
    openSeveral: async () => {
      const files = { 'README.md': 'x' };
      const [project_id, other] = [await project(person, `r${++n}`, files), await project(person, `r${++n}`, files)];
      const body = { prompt, project_id, repositories: [{ project_id: other }] };
      const { id, repositories = [] } = await api.call('createTask', { body });
      return { ...(await openTask(id)), other: repositories[1]?.key ?? '' };
    },
  };
}
