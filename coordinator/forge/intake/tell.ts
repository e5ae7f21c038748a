import { newId } from '../../../protocol/ids.ts';
import { isEnded } from '../../../protocol/task.ts';
import type { Logger } from '../../base/logger.ts';
import type { TaskRow } from '../../domain/task.ts';
import type { Db } from '../../sqlite/database.ts';
import { DurableSubscriber } from '../../sqlite/durable-subscriber.ts';
import type { EventLog, Tx } from '../../sqlite/event-log.ts';
import type { EventRow } from '../../sqlite/events.ts';
import { findFollowUp, listUnanswered, markAnswered, type FollowUpItem } from '../../sqlite/follow-ups.ts';
import { findStatusWords, insertWords, updateWords } from '../../sqlite/forge-words.ts';
import { listOpenNeeds } from '../../sqlite/needs.ts';
import { withdrawNeeds } from '../../tasks/needs.ts';
import { repositoryAt, type RepositoryAt } from '../../tasks/require-repository.ts';
import { listPullsOf } from '../../sqlite/pulls.ts';
import { findTaskOf } from '../../sqlite/tasks.ts';
import type { ForgeComment } from '../forge.ts';
import { sign } from '../own-words.ts';
import { readComment } from '../stored-json.ts';
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
      const status = findStatusWords(tx.db, task.id);
      if (status) {
        const needs = listOpenNeeds(tx.db, task.id);
        const pull = listPullsOf(tx.db, task.id).findLast(
          ({ repo_url, number }) => repo_url === task.repo_url && number !== null,
        );
        updateWords(tx.db, status.id, sign(statusWords({ task, link: link(task.id), needs, pull }), status.id), at);
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
  if (findStatusWords(db, task_id) || listUnanswered(db, task_id).length > 0) return true;
  if (findFollowUp(db, task_id).waiting.length > 0) return true;
  return listOpenNeeds(db, task_id).some(({ kind }) => kind === 'follow_up');
}

/** Whether there is nothing left to go on with: the pull requests were merged or closed. */
function isSettled(db: Db, task_id: string): boolean {
  const pulls = listPullsOf(db, task_id);
  return pulls.length > 0 && pulls.every(({ state }) => state === 'merged' || state === 'closed');
}

/** Answers each comment in its thread, and all else with one comment. What was fixed is resolved. */
function answerItems(tx: Tx, task: TaskRow, at: string): void {
  const items = listUnanswered(tx.db, task.id);
  const outcomes = outcomesOf(task.result?.summary ?? '');
  const told = new Set<string>();
  for (const item of items) {
    markAnswered(tx.db, item, at);
    if (task.status === 'cancelled') continue;
    const outcome = task.status === 'succeeded' ? outcomes.get(item.n) : undefined;
    const place = repositoryAt(tx.db, task, item.repo_url);
    const comment = readComment(item.comment);
    const commit = newCommit(place.result, item);
    if (comment?.review && outcome) {
      const text = `${verdictOf(outcome, commit)} ${outcome.text}`;
      const pushed = outcome.fixed && commit !== null;
      say(
        tx,
        task,
        { ...item, ...place },
        { reply_to: comment, resolves: pushed ? comment.review.thread_id : null, text: spoken(text) },
        at,
      );
      continue;
    }
    const key = `${place.repo_url} ${item.number}`;
    if (told.has(key)) continue;
    told.add(key);
    const text = roundWords(task, commit);
    say(tx, task, { ...item, ...place }, { reply_to: null, resolves: null, text }, at);
  }
}

type Place = Pick<RepositoryAt, 'repo_url' | 'project_id'>;

/** What the task has pushed since it was told of this; null: nothing. */
function newCommit(result: RepositoryAt['result'], { commit_before }: FollowUpItem): string | null {
  const commit = result?.commit ?? null;
  return commit === commit_before ? null : commit;
}

function verdictOf({ fixed }: Outcome, commit: string | null): string {
  if (!fixed) return 'Not changed.';
  return commit === null ? 'Nothing was pushed for this.' : `Fixed (${commit.slice(0, 12)}).`;
}

type Answer = { reply_to: ForgeComment | null; resolves: string | null; text: string };

function say(
  tx: Tx,
  task: TaskRow,
  { forge_id, number, repo_url, project_id }: Pick<FollowUpItem, 'forge_id' | 'number'> & Place,
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
    reply_to: answer.reply_to && JSON.stringify(answer.reply_to),
    resolves: answer.resolves,
    body: sign(answer.text, id),
    created_at: at,
  });
}
