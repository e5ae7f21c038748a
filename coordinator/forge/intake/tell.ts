import { newId } from '../../../protocol/ids.ts';
import { isEnded } from '../../../protocol/task.ts';
import type { Logger } from '../../base/logger.ts';
import type { TaskRow } from '../../domain/task.ts';
import type { Db } from '../../sqlite/database.ts';
import { DurableSubscriber } from '../../sqlite/durable-subscriber.ts';
import type { EventLog, Tx } from '../../sqlite/event-log.ts';
import type { EventRow } from '../../sqlite/events.ts';
import { findFollowUp, listUnanswered, markAnswered, type FollowUpItem } from '../../sqlite/follow-ups.ts';
import { insertWords, listStatusWords, turnIntoAnswer, updateWords } from '../../sqlite/forge-words.ts';
import { listOpenNeeds } from '../../sqlite/needs.ts';
import { withdrawNeeds } from '../../tasks/needs.ts';
import { repositoryAt, type RepositoryAt } from '../../tasks/require-repository.ts';
import { listPullsOf } from '../../sqlite/pulls.ts';
import { hasPushed } from '../../sqlite/task-pushes.ts';
import { findTaskOf } from '../../sqlite/tasks.ts';
import type { ForgeComment } from '../forge.ts';
import { sign } from '../own-words.ts';
import { readComment, storedComment } from '../stored-json.ts';
import { outcomesOf, type Outcome } from './outcomes.ts';
import { sendWaiting } from './send-waiting.ts';
import { roundWords, spoken, statusWords } from './words.ts';

const TYPES = ['task.status', 'need.asked', 'need.answered', 'need.closed', 'pull.opened', 'pull.changed'];

type Dependencies = {
  log: EventLog;
  link: (task_id: string) => string | null;
  /** Called when something is to be written at a forge. */
  onWords: () => void;
  logger: Logger;
};

/**
 * Tells the forge what becomes of the tasks that were asked for there, answers what they were sent back for, and sends
 * them what had to wait. It stores what is to be written, and misses nothing across restarts.
 */
export function tellForges({ log, link, onWords, logger }: Dependencies): DurableSubscriber {
  const handle = (event: EventRow): void => {
    if (!isConcerned(log, event)) return;
    log.write((tx) => {
      const task = findTaskOf(tx.db, event.user_id, event.task_id);
      if (!task) return;
      const at = new Date().toISOString();
      const statuses = listStatusWords(tx.db, task.id);
      if (statuses.length > 0) {
        const needs = listOpenNeeds(tx.db, task.id);
        const pull = listPullsOf(tx.db, task.id).findLast(
          ({ repo_url, number }) => repo_url === task.repo_url && number !== null,
        );
        const text = statusWords({ task, link: link(task.id), needs, pull });
        for (const { id } of statuses) updateWords(tx.db, id, sign(text, id), at);
      }
      if (isEnded(task.status)) answerItems(tx, task, at);
      if (isSettled(tx.db, task.id)) withdrawNeeds(tx, task, ({ kind }) => kind === 'follow_up', at);
      sendWaiting(tx, task, at, logger);
    });
    onWords();
  };
  return new DurableSubscriber({ log, logger, name: 'forge-words', types: TYPES, handle });
}

/** Most tasks have nothing to do with a forge: they cost no write. */
function isConcerned({ db }: EventLog, { task_id }: EventRow): boolean {
  if (listStatusWords(db, task_id).length > 0 || listUnanswered(db, task_id).length > 0) return true;
  if (findFollowUp(db, task_id).waiting.length > 0) return true;
  return listOpenNeeds(db, task_id).some(({ kind }) => kind === 'follow_up');
}

/** Whether there is nothing left to go on with: the pull requests were merged or closed. */
function isSettled(db: Db, task_id: string): boolean {
  const pulls = listPullsOf(db, task_id);
  return pulls.length > 0 && pulls.every(({ state }) => state === 'merged' || state === 'closed');
}

/**
 * Answers each comment in its thread, and all else with one comment. What was fixed there is resolved. Where somebody
 * asked in a thread, the words there on what becomes of the task turn into the answer.
 */
function answerItems(tx: Tx, task: TaskRow, at: string): void {
  const items = listUnanswered(tx.db, task.id);
  const outcomes = outcomesOf(task.result?.summary ?? '');
  const statuses = listStatusWords(tx.db, task.id);
  const told = new Set<string>();
  for (const item of items) {
    markAnswered(tx.db, item, at);
    if (task.status === 'cancelled') continue;
    const place = repositoryAt(tx.db, task, item.repo_url);
    const comment = readComment(item.comment);
    const pushed = newPush(tx.db, task, place, item);
    const words = pushed && pushed.words;
    const asked = comment && statuses.find(({ reply_to }) => readComment(reply_to)?.id === comment.id);
    const outcome = outcomes.get(item.n);
    if (comment?.review && task.status === 'succeeded') {
      const resolves = outcome?.fixed && pushed?.is_here ? comment.review.thread_id : null;
      if (asked) {
        const text = outcome ? outcomeWords(outcome, words) : roundWords(task, words);
        turnIntoAnswer(tx.db, { id: asked.id, resolves, body: sign(text, asked.id) }, at);
      } else {
        const text = outcome ? outcomeWords(outcome, words) : silentWords(words);
        say(tx, task, { ...item, ...place }, { reply_to: comment, resolves, text }, at);
      }
      if (outcome) continue;
    }
    const key = `${place.repo_url} ${item.number}`;
    if (asked || told.has(key)) continue;
    told.add(key);
    const text = roundWords(task, words);
    say(tx, task, { ...item, ...place }, { reply_to: null, resolves: null, text }, at);
  }
}

function outcomeWords(outcome: Outcome, pushed: string | null): string {
  return spoken(`${verdictOf(outcome, pushed)} ${outcome.text}`);
}

/** The answer to a comment of which the errand has said nothing. */
function silentWords(pushed: string | null): string {
  const what = pushed === null ? 'Nothing was pushed.' : `Pushed ${pushed}.`;
  return `${what} The errand says nothing of this comment.`;
}

/**
 * What the task itself has pushed since it was told of this; null: nothing. `is_here`: it is in the pull request that
 * this is about, as far as that is one of the task.
 */
function newPush(
  db: Db,
  { id: task_id }: TaskRow,
  { key, repo_url, result }: RepositoryAt,
  { number, commit_before }: FollowUpItem,
): { words: string; is_here: boolean } | null {
  const { commit = null, branch = null } = result ?? {};
  if (commit === null || commit === commit_before || !hasPushed(db, { task_id, key }, commit)) return null;
  const pull = listPullsOf(db, task_id).find((each) => each.repo_url === repo_url && each.number === number);
  const is_here = pull === undefined || pull.head_branch === branch;
  const short = commit.slice(0, 12);
  return { words: is_here ? short : `${short} on the branch \`${branch}\``, is_here };
}

function verdictOf({ fixed }: Outcome, pushed: string | null): string {
  if (!fixed) return 'Not changed.';
  return pushed === null ? 'Nothing was pushed for this.' : `Fixed (${pushed}).`;
}

type Answer = { reply_to: ForgeComment | null; resolves: string | null; text: string };

function say(
  tx: Tx,
  task: TaskRow,
  {
    forge_id,
    number,
    repo_url,
    project_id,
  }: Pick<FollowUpItem, 'forge_id' | 'number'> & Pick<RepositoryAt, 'repo_url' | 'project_id'>,
  answer: Answer,
  at: string,
): void {
  const id = newId();
  const { user_id } = task;
  insertWords(tx.db, {
    id,
    forge_id,
    user_id,
    task_id: task.id,
    project_id,
    kind: 'answer',
    repo_url,
    number,
    reply_to: answer.reply_to && storedComment(answer.reply_to),
    resolves: answer.resolves,
    body: sign(answer.text, id),
    created_at: at,
  });
}
