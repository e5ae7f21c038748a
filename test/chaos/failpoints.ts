import { subscribe } from 'node:diagnostics_channel';
import { writeSync } from 'node:fs';
import type { ClientRequest } from 'node:http';
import type { CommitHook } from '../../coordinator/sqlite/event-log.ts';
import { chooseRunner, type RunnerContext } from '../../coordinator/workers/choice/choose-runner.ts';
import type { Runner } from '../../coordinator/workers/runner.ts';

/*
 * Points at which the coordinator kills itself: before or after a commit that stores an event of a type, before or
 * after a worker is started or removed, and between the creation of a container and its start.
 */

/**
 * `what`: an event type, `start_worker`, `remove_worker`, `create_container` or `handle_event` (of the durable
 * subscriber). `nth`: kill at the nth pass, from 1.
 */
export type Failpoint = { at: 'before' | 'after'; what: string; nth: number };

const WORKER_START = /^\/containers\/(?!errand-canary-)[^/]+\/start(?:\?|$)/;

/** What a process writes to stderr before it kills itself. */
export const FAILPOINT_REACHED = 'the failpoint was reached';

type Failing = {
  commit_hook: CommitHook;
  openRunner: (context: RunnerContext) => Promise<Runner>;
  /** Call it when the durable subscriber has handled an event. */
  onHandled: () => void;
};

/** Returns the hooks that kill this process at the point. Undefined: never. */
export function failAt(point: Failpoint | undefined): Failing {
  let left = point?.nth ?? 0;
  const pass = (at: Failpoint['at'], what: string) => {
    if (point?.at !== at || point.what !== what || --left !== 0) return;
    writeSync(process.stderr.fd, `${FAILPOINT_REACHED}\n`);
    process.kill(process.pid, 'SIGKILL');
  };
  const passAll = (at: Failpoint['at'], rows: { type: string }[]) => {
    for (const { type } of rows) pass(at, type);
  };
  // The engine's client starts a container with `POST /containers/<name>/start?`. Node publishes this message before it
  // sends a byte. The canary is no worker.
  subscribe('http.client.request.start', (message) => {
    const { request } = message as { request: ClientRequest };
    if (request.method === 'POST' && WORKER_START.test(request.path)) pass('after', 'create_container');
  });
  return {
    commit_hook: { before: (rows) => passAll('before', rows), after: (rows) => passAll('after', rows) },
    openRunner: async (context) => failingRunner(await chooseRunner(context), pass),
    onHandled: () => pass('after', 'handle_event'),
  };
}

function failingRunner(runner: Runner, pass: (at: Failpoint['at'], what: string) => void): Runner {
  const around = async (what: string, work: () => Promise<void>) => {
    pass('before', what);
    await work();
    pass('after', what);
  };
  const open = runner.open.bind(runner);
  runner.open = async (spec) => {
    const worker = await open(spec);
    const { start, remove } = worker;
    worker.start = (grant) => around('start_worker', () => start(grant));
    worker.remove = () => around('remove_worker', remove);
    return worker;
  };
  return runner;
}
