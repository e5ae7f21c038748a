import { LIMITS } from '../../../protocol/limits.ts';
import { insertRequest, isRequestKnown } from '../../sqlite/forge-requests.ts';
import type { ForgeComment, ForgeEvent } from '../forge.ts';
import { isRefusal, undefinedIf } from '../forge-api-error.ts';
import { mayRead } from '../may-read.ts';
import { signatureOf } from '../own-words.ts';
import { addressOf } from '../repository-name.ts';
import { mayWrite, openFor } from './asker.ts';
import { goBack, type RoundMessage } from './go-back.ts';
import { inMessages, reviewMessage } from './material.ts';
import { findMention } from './mention.ts';
import type { Effect, PlanParts } from './plan.ts';
import { answeringPull, followedPull, stillFollowed, withheld } from './pull-of-errand.ts';
import { reviewAsRead } from './read-back.ts';
import { answersReviewer, byTime } from './reviewers-talk.ts';

type Review = Parameters<typeof reviewMessage>[0];
type ReviewEvent = Extract<ForgeEvent, { type: 'review' }>;

/**
 * A review of an errand's pull request sends the errand back to work, with all comments of the review. Undefined:
 * nothing follows, since the project does not want it, the reviewer may not write there, or is a bot, or there is
 * nothing to do. An approval asks for nothing, and neither does what reviewers say to each other without a verdict.
 */
export async function planReview(
  parts: PlanParts,
  forge: { id: string; origin: string; names: readonly string[] },
  event: ReviewEvent,
  signal: AbortSignal,
): Promise<Effect | undefined> {
  const { db } = parts.log;
  const { sender, verdict, number, url } = event;
  const { id: repository_id } = event.repository;
  const repo_url = addressOf(forge.origin, event.repository);
  const key = { forge_id: forge.id, repository_id, number };
  const followed = followedPull(db, answeringPull(db, key));
  const isKnown = (review_id: string) => isRequestKnown(db, key, `review:${review_id}`);
  if (!followed || verdict === 'approved' || sender.bot) return undefined;
  if (event.review_id !== null && isKnown(event.review_id)) return undefined;
  const { task } = followed;
  const who = { user_id: task.user_id, project_id: followed.project.id };
  const open = await openFor(parts.access, who, repo_url);
  if (!open || !(await mayWrite(parts, open, sender, signal))) return undefined;
  if (!(await mayRead(parts.access, who, repo_url, signal))) return withheld(parts, followed);
  const { client, repository, token } = open;
  const thread = await client
    .thread({ token, signal }, repository, number, LIMITS.comments_searched_max)
    .catch(undefinedIf(isRefusal));
  const read = thread && reviewAsRead(event, thread.comments, isKnown);
  if (!read) return undefined;
  const source = `review:${read.review_id}`;
  const body = signatureOf(read.body) === undefined ? read.body.trim() : '';
  const comments = thread.comments
    .filter((comment) => comment.review?.review_id === read.review_id && isNew(comment))
    .filter((comment) => verdict !== 'commented' || !answersReviewer(comment, thread.comments, forge.names))
    .sort(byTime);
  if (body === '' && comments.length === 0) return undefined;
  // The person of the task decides whether it goes on.
  const is_wish =
    parts.personAt(forge.origin, sender.id) === task.user_id &&
    [body, ...comments.map((comment) => comment.body)].some((text) => findMention(text, forge.names));
  const review = { login: sender.login, verdict, body, url };
  return (tx) => {
    const now = stillFollowed(tx.db, key, task);
    const at = new Date().toISOString();
    if (!now || !insertRequest(tx.db, { ...key, source, user_id: null, task_id: task.id }, at)) return;
    for (const { id } of comments)
      insertRequest(tx.db, { ...key, source: `comment:${id}`, user_id: null, task_id: task.id }, at);
    goBack(tx, parts, now, {
      forge_id: forge.id,
      messages: messagesOf(review, comments),
      is_wish,
    });
  };

  function isNew({ id, author, body: text }: ForgeComment): boolean {
    return author.id === sender.id && signatureOf(text) === undefined && !isRequestKnown(db, key, `comment:${id}`);
  }
}

/** A review as the messages of a round. */
function messagesOf(review: Review, comments: readonly ForgeComment[]): RoundMessage[] {
  return inMessages(review.body, comments).map((group, i) => ({
    compose: (first) => reviewMessage(i === 0 ? review : { ...review, body: '' }, group, first),
    comments: group.length > 0 ? group : [null],
  }));
}
