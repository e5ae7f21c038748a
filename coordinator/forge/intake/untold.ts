import type { ForgeRequest } from '../../sqlite/forge-requests.ts';
import type { ForgeComment, Thread } from '../forge.ts';
import { reviewOfText } from '../review-text.ts';

/**
 * The thread with those comments alone that an errand may not know: the ones behind the last that asked it for
 * something there, without what it is told in other ways. `source`: of the request that is handled now.
 */
export function untold(
  thread: Thread,
  told: readonly Pick<ForgeRequest, 'source' | 'user_id'>[],
  source: string,
): Thread {
  const known = new Set([source, ...told.map((one) => one.source)]);
  const asked = new Set(told.flatMap((one) => (one.user_id === null ? [] : [one.source])));
  const from = thread.comments.findLastIndex((comment) => asked.has(sourceOf(comment))) + 1;
  const comments = thread.comments.slice(from).filter((comment) => !known.has(sourceOf(comment)));
  return { ...thread, comments, cut: thread.cut && from === 0 };
}

/** As a request in this comment is named. */
function sourceOf({ id }: ForgeComment): string {
  const review = reviewOfText(id);
  return review === undefined ? `comment:${id}` : `review:${review}`;
}
