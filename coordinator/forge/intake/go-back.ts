import { LIMITS } from '../../../protocol/limits.ts';
import type { NeedOption } from '../../../protocol/needs.ts';
import { isEnded } from '../../../protocol/task.ts';
import { ErrandError } from '../../../protocol/problem.ts';
import type { Logger } from '../../base/logger.ts';
import type { TaskRow } from '../../domain/task.ts';
import type { Tx } from '../../sqlite/event-log.ts';
import { dropWaitingItems, findFollowUp, insertItem, nextItemNumber, putFollowUp } from '../../sqlite/follow-ups.ts';
import { listOpenNeeds } from '../../sqlite/needs.ts';
import { addRound } from '../../sqlite/pulls.ts';
import { findOtherAtBranch } from '../../tasks/branch-at-work.ts';
import { releaseFollowUps, waitsForPerson } from '../../tasks/follow-up.ts';
import { askNeed, withdrawNeeds } from '../../tasks/needs.ts';
import { repositoryAt } from '../../tasks/require-repository.ts';
import { addMessage, type TaskDefaults } from '../../tasks/task-commands.ts';
import type { ForgeComment } from '../forge.ts';
import { storedComment } from '../stored-json.ts';
import type { FollowedPull } from './pull-of-errand.ts';

/** A message to the task. `compose`: its text, with the number of its first item. */
export type RoundMessage = {
  compose: (first: number) => string;
  /** What is to be answered, one item each; null: not a comment on lines. */
  comments: readonly (ForgeComment | null)[];
};

/** What sends a task back to work. */
export type Round = {
  forge_id: string;
  messages: readonly RoundMessage[];
  /** Whether the person of the task asks for it explicitly. */
  is_wish: boolean;
};

const OPTIONS: NeedOption[] = [
  { value: 'go_on', label: 'Go on' },
  { value: 'stop', label: 'Stop here' },
];
/** What waits for the person's answer at most. What comes later is left out: it can be seen at the pull request. */
const WAITING_MAX = 5;

/**
 * Sends a task back to work on its branch, by messages: a task at work gets them at the end of its turn. While it waits
 * for a decision of its person they wait too, and `sendWaiting` sends them: only the person's own words answer that.
 * After as many rounds as it may have by itself, or while another task works on the branch, its person is asked, and
 * the messages wait for the answer.
 */
export function goBack(
  tx: Tx,
  { models, logger }: Pick<TaskDefaults, 'models'> & { logger: Logger },
  { pull, task }: FollowedPull,
  { forge_id, messages, is_wish }: Round,
): void {
  const at = new Date().toISOString();
  const send = (text: string) => addMessage(tx, task.user_id, task.id, { text, hear: 'after_turn' }, models).message_id;
  const busy = isEnded(task.status) && findOtherAtBranch(tx.db, task) !== undefined;
  if (is_wish && !busy) letGoOn(tx, task, send, at);
  const state = findFollowUp(tx.db, task.id);
  if (!is_wish && (state.stopped || state.waiting.length >= WAITING_MAX)) return;
  const asks = busy || state.rounds >= LIMITS.follow_up_rounds_max;
  const waits = asks || waitsForPerson(tx.db, task);
  const first = nextItemNumber(tx.db, task.id);
  const waiting = [...state.waiting];
  // What waited before and was not sent is not sent with this.
  if (waits && waiting.length === 0) dropWaitingItems(tx.db, task.id);
  let n = first;
  for (const { compose, comments } of messages) {
    const message_id = waits ? null : sendIfTaken(compose(n));
    if (message_id === undefined) break;
    if (waits) waiting.push(compose(n));
    addItems(tx, { pull, task }, { forge_id, n, comments, message_id });
    n += comments.length;
  }
  if (n === first) return;
  putFollowUp(tx.db, task.id, { ...state, rounds: asks ? state.rounds : state.rounds + 1, waiting });
  if (asks) askToGoOn(tx, { pull, task }, busy ? BUSY : tooOften(state.rounds), first, at);
  else addRound(tx.db, pull.id, at);

  function sendIfTaken(text: string): string | undefined {
    try {
      return send(text);
    } catch (error) {
      if (!(error instanceof ErrandError) || error.code !== 'conflict') throw error;
      logger.info({ task_id: task.id, detail: error.message }, 'task takes no more messages: follow-up dropped');
      return undefined;
    }
  }
}

/** Its person says that the task goes on: it gets what has waited for that, and they are not asked any more. */
export function letGoOn(tx: Tx, task: TaskRow, send: (text: string) => string, at: string): void {
  releaseFollowUps(tx, task, send);
  withdrawNeeds(tx, task, ({ kind }) => kind === 'follow_up', at);
}

type Items = { forge_id: string; n: number; comments: RoundMessage['comments']; message_id: string | null };

/** Notes what is to be answered of a message. `n`: the number of the first item. */
function addItems(
  tx: Tx,
  { pull: { repo_url, number }, task }: Pick<FollowedPull, 'pull' | 'task'>,
  { forge_id, n, comments, message_id }: Items,
): void {
  const commit_before = repositoryAt(tx.db, task, repo_url).result?.commit ?? null;
  const items = { task_id: task.id, forge_id, repo_url, number: number ?? 0, message_id, commit_before };
  for (const [i, comment] of comments.entries())
    insertItem(tx.db, { ...items, n: n + i, comment: comment && storedComment(comment) });
}

/** Why a task does not go on by itself. */
export const BUSY = 'has a review or a failed check, while another errand works on its branch.';
export const STOPPED = 'has a review or a failed check, and the errand has ended at its budget.';
const tooOften = (rounds: number) => `has sent the errand back to work ${rounds} times, by reviews and checks.`;

/** Asks the person, unless they are asked already. `first`: the number of the first item that waits. */
export function askToGoOn(
  tx: Tx,
  { pull, task }: Pick<FollowedPull, 'pull' | 'task'>,
  why: string,
  first: number,
  at: string,
): void {
  if (listOpenNeeds(tx.db, task.id).some(({ kind }) => kind === 'follow_up')) return;
  const question = `${pull.owner}/${pull.name}#${pull.number} ${why} Shall it go on?`;
  askNeed(tx, task, { kind: 'follow_up', ref: `${pull.id}:${first}`, question, options: OPTIONS }, at);
}
