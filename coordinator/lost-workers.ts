import type { Logger } from './logger.ts';
import { endAttempt } from './advance.ts';
import { Leases, type LostLease } from './leases.ts';
import type { Log } from './log.ts';
import type { Signals } from './signals.ts';
import { listLivingAttempts } from './sqlite/attempts.ts';
import { findTask } from './sqlite/tasks.ts';

type Deps = { log: Log; signals: Signals; logger: Logger };

/**
 * The leases, with what becomes of an attempt whose worker falls silent: it ends as `worker_lost`, and its task goes to the next attempt or
 * fails. Every attempt that is alive in the database gets a full lease now, whatever its worker had left before this process was started.
 */
export function watchLeases({ log, signals, logger }: Deps, lease_ms: number): Leases {
  const leases = new Leases(lease_ms, (lost) => {
    try {
      if (end(lost)) signals.ended(lost.task_id, lost.attempt);
    } catch (error) {
      logger.error({ err: error, ...lost }, 'a lost worker could not be noted; it is tried again after another lease');
      leases.touch(lost.task_id, lost.attempt);
    }
  });

  function end({ task_id, attempt, called }: LostLease): boolean {
    const lease_s = Math.round(lease_ms / 1000);
    const detail = called
      ? `The worker fell silent: nothing was heard of it for ${lease_s} seconds.`
      : `The worker did not call within ${lease_s} seconds.`;
    return log.write((tx) => {
      const task = findTask(tx.db, task_id);
      if (!task) return false;
      const at = new Date().toISOString();
      return endAttempt(tx, task, attempt, { status: 'failed', reason: 'worker_lost', detail, at }) !== undefined;
    });
  }

  for (const { task_id, n } of listLivingAttempts(log.db)) leases.touch(task_id, n);
  return leases;
}
