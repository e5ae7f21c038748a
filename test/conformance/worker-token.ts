import assert from 'node:assert/strict';
import { LIMITS } from '../../protocol/limits.ts';
import { freePort } from '../support/free-port.ts';
import type { Reply } from '../support/worker-call.ts';
import type { Rule } from './rule.ts';
import {
  answers,
  endedAs,
  exits,
  get,
  NotChecked,
  post,
  refuses,
  underWay,
  type WorkerUnderTest,
} from './worker-calls.ts';
import type { RunningWorker } from './worker-under-test.ts';

/** Needs a worker that can be reached over TCP. */
export const TOKEN_RULE: Rule<WorkerUnderTest> = {
  name: 'over TCP a call without the task token, or with another one, answers 401 and has no effect',
  check: async (context) => {
    if (!context.source.has_ports) throw new NotChecked('it cannot listen at a port of this machine');
    const { worker, task } = await underWay(context, {}, await freePort());
    await wantsToken(worker);
    for (const token of [null, 'another'])
      refuses(`POST /cancel ${withToken(token)}`, await post(worker, '/cancel', { reason: 'x' }, token), 401);
    assert.ok(task.current.result === undefined, 'a cancel that it refused has ended it');
    answers('POST /cancel with the task token', await post(worker, '/cancel', { reason: 'enough' }), 202);
    await exits(worker, 0, LIMITS.cancel_push_ms);
    endedAs(task, 'cancelled');
  },
};

/** Requires of a worker with a task that it wants the task's token over TCP, and none on a socket. */
export async function wantsToken(worker: RunningWorker): Promise<void> {
  const calls: [name: string, call: (token: string | null) => Promise<Reply>, status: number][] = [
    ['GET /status', (token) => get(worker, '/status', token), 200],
    ['POST /task', (token) => post(worker, '/task', worker.handed?.assignment(), token), 202],
    ['POST /messages', (token) => post(worker, '/messages', { messages: [] }, token), 202],
  ];
  for (const [name, call, status] of calls)
    for (const token of [null, 'another']) {
      const reply = await call(token).catch(() => undefined);
      // A fast worker has exited already.
      if (reply === undefined) return;
      if (worker.address.kind === 'tcp') refuses(`${name} ${withToken(token)}`, reply, 401);
      else answers(`${name} ${withToken(token)}, on a socket`, reply, status);
    }
}

const withToken = (token: string | null) => (token === null ? 'without a token' : 'with another token');
