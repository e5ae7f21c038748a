import { LIMITS } from '../../../protocol/limits.ts';
import type { NeedOption } from '../../../protocol/needs.ts';
import type { Logger } from '../../base/logger.ts';
import { whyLeftOut } from '../../domain/egress-policy.ts';
import { countNeeds, findNeedByRef } from '../../sqlite/needs.ts';
import type { EventLog } from '../../sqlite/event-log.ts';
import { findTask } from '../../sqlite/tasks.ts';
import { askNeed } from '../../tasks/needs.ts';
import type { Caller } from '../caller.ts';

const ONCE: NeedOption = { value: 'once', label: 'For this errand' };
const PROJECT: NeedOption = { value: 'project', label: 'For this project' };
const NO: NeedOption = { value: 'no', label: 'No' };

/**
 * Asks the person of a task whether it may reach a host that was refused: once for each host, and for a bounded number
 * of hosts. The task goes on meanwhile.
 */
export function askForHost(log: EventLog, logger: Logger) {
  return ({ task_id }: Pick<Caller, 'task_id'>, host: string): void => {
    // Read first: a worker may try the same host again and again, and a write costs an fsync.
    if (findNeedByRef(log.db, task_id, 'host', host)) return;
    log
      .enqueue((tx) => {
        const task = findTask(tx.db, task_id);
        if (!task || countNeeds(tx.db, task_id, 'host') >= LIMITS.host_needs_per_task_max) return;
        const options = task.project_id === null ? [ONCE, NO] : [ONCE, PROJECT, NO];
        const why = whyLeftOut(host);
        const question = `A command wanted to reach ${host}. ${why === null ? '' : `${why} `}May it?`;
        askNeed(tx, task, { kind: 'host', ref: host, question, options, host }, new Date().toISOString());
      })
      .catch((err: unknown) => logger.error({ err, task_id, host }, 'question about a host not stored'));
  };
}
