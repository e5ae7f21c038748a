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
import type { CoordinatorUnderTest } from './coordinator-calls.ts';

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
  const { data_dir, person: account } = await startErrand(t, { runner });
  const person = await account('ann');
  const { api } = person;
  const db = openDatabase(join(data_dir, 'errand.db'));
  t.teardown(() => db.close());
  const log = new EventLog({ db, logger: SILENT });
  const tokens = taskTokensOf(data_dir);
  return {
    person,
    open: async () => {
      const body = { prompt: 'Keep the contract', repo_url: 'errand://sample' };
      const { id } = await api.call('createTask', { body });
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
    },
  };
}
