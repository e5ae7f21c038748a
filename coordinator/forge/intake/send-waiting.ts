import { ErrandError } from '../../../protocol/problem.ts';
import { isEnded } from '../../../protocol/task.ts';
import type { Logger } from '../../base/logger.ts';
import type { TaskRow } from '../../domain/task.ts';
import type { Tx } from '../../sqlite/event-log.ts';
import { dropWaitingItems, findFollowUp, nextItemNumber, putFollowUp } from '../../sqlite/follow-ups.ts';
import { listOpenNeeds } from '../../sqlite/needs.ts';
import { listPullsOf } from '../../sqlite/pulls.ts';
import { findOtherAtBranch } from '../../tasks/branch-at-work.ts';
import { sendTexts, waitsForPerson } from '../../tasks/follow-up.ts';
import { addMessage } from '../../tasks/task-commands.ts';
import { askToGoOn, BUSY, STOPPED } from './go-back.ts';
import { followedPull } from './pull-of-errand.ts';

/**
 * Sends a task what its pull request has had to say while the task waited for a decision of its person, once that was
 * made and the work goes on or has ended. If the person has ended it at its budget they are asked first.
 */
export function sendWaiting(tx: Tx, task: TaskRow, at: string, logger: Logger): void {
  const state = findFollowUp(tx.db, task.id);
  if (state.waiting.length === 0 || waitsForPerson(tx.db, task)) return;
  if (listOpenNeeds(tx.db, task.id).some(({ kind }) => kind === 'follow_up')) return;
  if (task.status !== 'running' && !isEnded(task.status)) return;
  const followed = listPullsOf(tx.db, task.id)
    .map((pull) => followedPull(tx.db, pull))
    .find((pull) => pull !== undefined);
  if (!followed) return drop();
  const why = stopReason();
  if (why !== undefined) return askToGoOn(tx, followed, why, nextItemNumber(tx.db, task.id), at);
  try {
    sendTexts(tx, task, state.waiting, (text) => {
      return addMessage(tx, task.user_id, task.id, { text, hear: 'after_turn' }).message_id;
    });
    putFollowUp(tx.db, task.id, { ...state, waiting: [] });
  } catch (error) {
    if (!(error instanceof ErrandError)) throw error;
    logger.info({ task_id: task.id, detail: error.message }, 'task takes no more messages: follow-up dropped');
    drop();
  }

  function stopReason(): string | undefined {
    if (isEnded(task.status) && findOtherAtBranch(tx.db, task)) return BUSY;
    return task.reason === 'budget_exhausted' ? STOPPED : undefined;
  }

  function drop(): void {
    putFollowUp(tx.db, task.id, { ...state, waiting: [] });
    dropWaitingItems(tx.db, task.id);
  }
}
