import { LIMITS } from '../../../protocol/limits.ts';
import type { NeedOption } from '../../../protocol/needs.ts';
import { isEnded } from '../../../protocol/task.ts';
import { ErrandError } from '../../../protocol/problem.ts';
import type { Logger } from '../../base/logger.ts';
import type { Tx } from '../../sqlite/event-log.ts';
import { findFollowUp, insertItem, nextItemNumber, putFollowUp } from '../../sqlite/follow-ups.ts';
import { addRound } from '../../sqlite/pulls.ts';
import { findOtherAtBranch } from '../../tasks/branch-at-work.ts';
import { askNeed } from '../../tasks/needs.ts';
import { addMessage, type TaskDefaults } from '../../tasks/task-commands.ts';
import type { ForgeComment } from '../forge.ts';
import type { FollowedPull } from './pull-of-errand.ts';

/** What sends a task back to work. */
export type Round = {
  forge_id: string;
  /** The message to the task. `first`: the number of the first item. */
  compose: (first: number) => string;
  /** What is to be answered, one item each; null: not a comment on lines. */
  comments: readonly (ForgeComment | null)[];
};

const OPTIONS: NeedOption[] = [
  { value: 'go_on', label: 'Go on' },
  { value: 'stop', label: 'Stop here' },
];
/** What waits for the person's answer at most. What comes later is left out: it can be seen at the pull request. */
const WAITING_MAX = 5;

/**
 * Sends a task back to work on its branch, by a message: one that is at work hears it when it is done with what it does.
 * After as many rounds as it may have by itself, or while another task works on the branch, its person is asked, and the
 * messages wait for the answer.
 */
export function goBack(
  tx: Tx,
  { models, logger }: Pick<TaskDefaults, 'models'> & { logger: Logger },
  { pull, task }: FollowedPull,
  { forge_id, compose, comments }: Round,
): void {
  const state = findFollowUp(tx.db, task.id);
  if (state.stopped || state.waiting.length >= WAITING_MAX) return;
  const at = new Date().toISOString();
  const first = nextItemNumber(tx.db, task.id);
  const text = compose(first);
  const busy = isEnded(task.status) && findOtherAtBranch(tx.db, task) !== undefined;
  const asks = busy || state.rounds >= LIMITS.follow_up_rounds_max;
  let message_id: string | null = null;
  if (asks) {
    putFollowUp(tx.db, task.id, { ...state, waiting: [...state.waiting, text] });
    const why = busy
      ? `#${pull.number} has a review or a failed check, while another errand works on its branch.`
      : `Reviews and checks have sent it back to work ${state.rounds} times on #${pull.number}.`;
    const question = `${why} Shall it go on?`;
    askNeed(tx, task, { kind: 'follow_up', ref: `${pull.id}:${pull.rounds}`, question, options: OPTIONS }, at);
  } else {
    try {
      message_id = addMessage(tx, task.user_id, task.id, { text, hear: 'after_turn' }, models).message_id;
    } catch (error) {
      if (!(error instanceof ErrandError) || error.code !== 'conflict') throw error;
      logger.info({ task_id: task.id, detail: error.message }, 'task takes no more messages: follow-up dropped');
      return;
    }
    putFollowUp(tx.db, task.id, { ...state, rounds: state.rounds + 1 });
    addRound(tx.db, pull.id, at);
  }
  for (const [i, comment] of comments.entries())
    insertItem(tx.db, {
      task_id: task.id,
      n: first + i,
      forge_id,
      number: pull.number ?? 0,
      comment: comment && JSON.stringify({ ...comment, body: '' }),
      message_id,
    });
}
