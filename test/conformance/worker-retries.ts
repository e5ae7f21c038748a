import assert from 'node:assert/strict';
import type { MockCoordinator } from '../support/mock-coordinator/mock.ts';
import type { Rule } from './rule.ts';
import { happens, reaches, underWay, statusOf, wholeLife, type WorkerUnderTest } from './worker-calls.ts';

const RETRY_AFTER_S = 2;
const REFUSALS = 6;
/** Less than the shortest pauses of the contract take together, and more than calls without a pause. */
const PAUSES_MS = 1_000;
/** A clock may be read too early. */
const SLACK_MS = 50;
const STATUS_MS = 10_000;

/** Rules about what a worker does after each answer. Each needs a new worker. */
export const RETRY_RULES: readonly Rule<WorkerUnderTest>[] = [
  {
    name: 'it repeats a POST of events with pauses, and not before Retry-After',
    check: async (context) => {
      let mock: MockCoordinator | undefined;
      await wholeLife(context, {}, (_task, worker) => {
        ({ mock } = worker);
        mock.faults.add('events', { kind: 'fail', status: 503, retry_after_s: RETRY_AFTER_S });
        mock.faults.add('events', { kind: 'fail', status: 503 }, REFUSALS);
      });
      const times = timesOf(mock, 'events');
      const [first = 0, second = 0] = times;
      const after_ms = Math.round(second - first);
      assert.ok(
        after_ms >= RETRY_AFTER_S * 1000 - SLACK_MS,
        `after 503 with Retry-After: ${RETRY_AFTER_S} it called again after ${after_ms} ms`,
      );
      const pauses_ms = Math.round((times[REFUSALS + 1] ?? 0) - second);
      assert.ok(pauses_ms >= PAUSES_MS, `after 503 it called again ${REFUSALS} times within ${pauses_ms} ms`);
    },
  },
  {
    name: 'it repeats its result until it is answered',
    check: async (context) => {
      let mock: MockCoordinator | undefined;
      const task = await wholeLife(context, {}, (_task, worker) => {
        ({ mock } = worker);
        mock.faults.add('result', { kind: 'fail', status: 503 });
        mock.faults.add('result', { kind: 'cut' });
        mock.faults.add('result', { kind: 'lose' });
      });
      const calls = () => timesOf(mock, 'result').length;
      assert.ok(task.current.result, `it posted its result ${calls()} times, and exited before it was accepted`);
      const is_repeated = await happens(() => calls() > 3, 1_000);
      assert.ok(is_repeated, 'it exited without an answer to its result: the connection had been cut');
    },
  },
  {
    name: 'its status has the numbers of its newest event, and of the newest that was acknowledged',
    check: async (context) => {
      const { worker, task } = await underWay(context);
      const known = task.events.length;
      const says = async () => {
        const { last_seq, acked_seq } = await statusOf(worker);
        assert.ok(last_seq >= acked_seq, `/status says last_seq ${last_seq}, and acked_seq ${acked_seq}`);
        return acked_seq >= known;
      };
      await reaches(worker, `its /status has an acked_seq of ${known} or more`, says, STATUS_MS);
      worker.signal('SIGKILL');
    },
  },
];

/** When the calls of this name were answered. */
const timesOf = (mock: MockCoordinator | undefined, name: string) =>
  mock?.calls.filter((call) => call.name === name).map(({ at }) => at) ?? [];
