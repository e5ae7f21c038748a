import type { ToldRequest } from '../../sqlite/forge-requests.ts';
import type { ForgeComment, Thread } from '../forge.ts';
import { reviewOfText } from '../review-text.ts';

/** What is written while a request is handled may not have been read with it, and clocks differ. */
const SLACK_MS = 60_000;

/**
 * The thread with those comments alone that an errand may not know: the ones that came after it was asked last for
 * something there, in a comment or in another way, without what it is told in other ways. `source`: of the request
 * that is handled now.
 */
export function untold(thread: Thread, told: readonly ToldRequest[], source: string): Thread {
  const known = new Set([source, ...told.map((one) => one.source)]);
  const asked = told.filter(({ user_id }) => user_id !== null);
  const sources = new Set(asked.map((one) => one.source));
  const known_until = Math.max(...asked.map(({ created_at }) => Date.parse(created_at))) - SLACK_MS;
  const isBefore = (comment: ForgeComment) =>
    sources.has(sourceOf(comment)) || Date.parse(comment.created_at) < known_until;
  const from = thread.comments.findLastIndex(isBefore) + 1;
  const comments = thread.comments.slice(from).filter((comment) => !known.has(sourceOf(comment)));
  return { ...thread, comments, cut: thread.cut && from === 0 };
}

/** As a request in this comment is named. */
function sourceOf({ id }: ForgeComment): string {
  const review = reviewOfText(id);
  return review === undefined ? `comment:${id}` : `review:${review}`;
}
