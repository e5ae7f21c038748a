import { LIMITS } from '../../../protocol/limits.ts';
import type { ForgeComment, ForgeEvent, ForgePerson, ForgeRepositoryInfo, ForgeReview, Thread } from '../forge.ts';
import type { OpenForge } from '../forge-access.ts';
import { reviewOfText } from '../review-text.ts';
import type { EventContent } from '../signed-delivery.ts';
import { LABEL } from './ask.ts';

/** An event without the id of its delivery, which no webhook gave it, and what names it within the repository. */
export type FoundEvent = { name: string; event: ForgeEvent };

/** What an event says, without when. */
type FoundContent<T = EventContent> = T extends unknown ? Omit<T, 'at'> : never;

/**
 * What happened in an issue or pull request at an ISO time or later, as webhooks tell of it: that it was opened, its
 * comments, its reviews, and who set the label. Rejects with a `ForgeApiError`.
 */
export async function eventsOfThread(
  { client, repository: name, token }: OpenForge,
  { id, owner, name: own_name, clone_url, default_branch }: ForgeRepositoryInfo,
  number: number,
  since: string,
  signal: AbortSignal,
): Promise<FoundEvent[]> {
  const access = { token, signal };
  const repository = { id, owner, name: own_name, clone_url, default_branch };
  const isNew = (at: string) => Date.parse(at) >= Date.parse(since);
  const thread = await client.thread(access, name, number, LIMITS.comments_searched_max);
  const found: FoundEvent[] = [];
  const add = (named: string, sender: ForgePerson, at: string, said: FoundContent) => {
    found.push({ name: named, event: { ...said, delivery_id: '', repository, at, sender } });
  };
  if (isNew(thread.created_at)) {
    const pull = thread.is_pull ? await client.pull(access, name, number) : undefined;
    const said: FoundContent = pull
      ? { type: 'pull', action: 'opened', pull }
      : issueSaid(thread, 'opened', thread.labels);
    add(`opened:${number}`, thread.author, thread.created_at, said);
  }
  if (thread.labels.some((label) => label.toLowerCase() === LABEL)) {
    const set = await client.labeledBy(access, name, number, LABEL, since);
    if (set && isNew(set.at))
      add(`labeled:${number}:${set.id}`, set.person, set.at, issueSaid(thread, 'labeled', [LABEL]));
  }
  // A webhook of a review comes before those of its comments.
  for (const review of thread.is_pull ? await client.reviews(access, name, number) : [])
    if (isNew(review.submitted_at))
      add(`review:${review.id}`, review.author, review.submitted_at, reviewSaid(review, number));
  // What reviews say as a whole has come with them.
  for (const comment of thread.comments)
    if (isNew(comment.created_at) && reviewOfText(comment.id) === undefined)
      add(`comment:${comment.id}`, comment.author, comment.created_at, commentSaid(comment, thread));
  return found;
}

function issueSaid(
  { number, is_pull, title, body }: Thread,
  action: 'opened' | 'labeled',
  labels: string[],
): FoundContent {
  return { type: 'issue', action, number, is_pull, labels, title, body };
}

function reviewSaid({ id: review_id, verdict, body, url }: ForgeReview, number: number): FoundContent {
  return { type: 'review', number, verdict, review_id, body, url };
}

function commentSaid(comment: ForgeComment, { number, is_pull }: Thread): FoundContent {
  return { type: 'comment', number, is_pull, comment };
}
