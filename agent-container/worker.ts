import { ErrandError } from '../protocol/problem.ts';
import { CONTRACT_VERSION, type Assignment } from '../protocol/worker.ts';
import type { Agent, Attempt } from './attempt.ts';
import type { Address, WorkerConfig } from './config.ts';
import type { Log } from './base/log.ts';
import { startServer, type Door } from './server.ts';
import type { Work } from './base/work.ts';

const EXIT_NO_TASK = 1;
const EXIT_TERMINATED = 143;

export type Worker = {
  /** Where it listens; null: nowhere. */
  address: Address | null;
  /** The exit code, once the attempt has ended and the server is closed. */
  ended: Promise<number>;
  /** SIGTERM: ends at once where there is no task, else pushes what there is first. */
  terminate: () => void;
};

type Options = {
  config: WorkerConfig;
  agent: Agent;
  /** Loads what does the work: it is large, and a worker that waits has time. */
  loadWork: () => Promise<Work>;
  log: Log;
};

/** Starts a worker. It listens first, and loads what it needs while it waits for its task: one task, and it is done. */
export async function startWorker({ config, agent, loadWork, log }: Options): Promise<Worker> {
  const ended = Promise.withResolvers<number>();
  const leaving = new AbortController();
  let taken: { assignment: Assignment; attempt: Promise<Attempt> } | undefined;
  let attempt: Attempt | undefined;

  const begin = async (assignment: Assignment) => {
    const { Attempt } = await import('./attempt.ts');
    attempt = new Attempt({ config, assignment, agent, work: loadWork, log });
    void attempt.run().then(ended.resolve);
    if (leaving.signal.aborted) attempt.terminate();
    return attempt;
  };
  const take = async (assignment: Assignment) => {
    if (taken === undefined) {
      taken = { assignment, attempt: begin(assignment) };
      taken.attempt.catch((error: unknown) => {
        log('error', 'The task could not be taken.', error);
        ended.resolve(EXIT_NO_TASK);
      });
    } else if (taken.assignment.task_id !== assignment.task_id || taken.assignment.attempt !== assignment.attempt)
      throw new ErrandError('conflict', 'This worker has a task already.');
    await taken.attempt;
  };
  const current = async () => {
    if (taken === undefined) throw new ErrandError('conflict', 'This worker has no task yet.');
    return taken.attempt;
  };
  const door: Door = {
    health: { ok: true, contract_version: CONTRACT_VERSION, ...agent },
    status: () => attempt?.status() ?? IDLE,
    tokens: () => attempt?.tokens() ?? [],
    take,
    say: async (messages) => (await current()).say(messages),
    cancel: async (reason) => (await current()).cancel(reason),
  };
  const server = config.listen === null ? null : await startServer(config.listen, door);
  const loading = Promise.all([import('./attempt.ts'), loadWork()]);
  loading.catch((error: unknown) => log('error', 'The agent could not be loaded.', error));
  if (config.task !== null)
    fetchAssignment(config, config.task, leaving.signal)
      .then(take)
      .catch((error: unknown) => {
        if (!leaving.signal.aborted) log('error', 'The assignment could not be fetched.', error);
        ended.resolve(EXIT_NO_TASK);
      });
  const afterwards = async () => {
    const code = await ended.promise;
    await server?.close();
    return code;
  };
  return {
    address: server?.address ?? null,
    ended: afterwards(),
    terminate: () => {
      leaving.abort();
      if (attempt !== undefined) attempt.terminate();
      else if (taken === undefined) ended.resolve(EXIT_TERMINATED);
    },
  };
}

/** Lets SIGTERM and SIGINT end a worker in order, from before it listens: whoever finds that it serves may end it in the same moment. */
export function endOnSignals(starting: Promise<Worker>): void {
  // Where it does not start, there is nothing to end.
  const end = () => void starting.then((worker) => worker.terminate()).catch(() => undefined);
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
}

const IDLE = { state: 'idle', task_id: null, attempt: null, last_seq: 0, acked_seq: 0, waiting_for: null } as const;

async function fetchAssignment(
  config: WorkerConfig,
  task: { id: string; token: string },
  signal: AbortSignal,
): Promise<Assignment> {
  const [{ CoordinatorClient }, { untilAnswered }] = await Promise.all([
    import('./reporting/coordinator-client.ts'),
    import('./reporting/callback-errors.ts'),
  ]);
  const client = new CoordinatorClient(config.coordinator, task.id, task.token);
  try {
    return await untilAnswered(() => client.assignment(signal), signal);
  } finally {
    await client.close();
  }
}
