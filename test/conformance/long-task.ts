import assert from 'node:assert/strict';
import type { Rule } from './rule.ts';
import { happens, underWay, type WorkerUnderTest } from './worker-calls.ts';

/** The rules interrupt the long task within this time. */
const LONG_MS = 10_000;

/** Says whether the rules that interrupt the long task can be checked. It is no rule of the contract. */
export const LONG_TASK: Rule<WorkerUnderTest> = {
  name: 'the long task (--long) is still under way when it is interrupted',
  check: async (context) => {
    const { worker, task } = await underWay(context);
    const since = performance.now();
    let has_exited = false;
    void worker.ended?.then(() => (has_exited = true));
    const is_short = await happens(() => has_exited || task.current.result !== undefined, LONG_MS);
    const seconds = ((performance.now() - since) / 1000).toFixed(1);
    worker.signal('SIGKILL');
    await worker.ended;
    assert.ok(
      !is_short,
      `it ended by itself after ${seconds} s, so the rules that interrupt it are not checked. The worker need not be ` +
        `wrong: give --long a task that works for at least ${LONG_MS / 1000} s, such as one that runs "sleep 600"`,
    );
  },
};
