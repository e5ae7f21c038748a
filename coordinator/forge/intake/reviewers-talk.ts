import type { ForgeComment } from '../forge.ts';
import { signatureOf } from '../own-words.ts';
import { findMention } from './mention.ts';

/**
 * Whether a comment on lines answers another person: what reviewers say to each other is not meant for the errand,
 * unless it names Errand. `comments`: all that there are. `names`: what Errand is called at the forge.
 */
export function answersReviewer(
  { author, review, body, ...at }: ForgeComment,
  comments: readonly ForgeComment[],
  names: readonly string[],
): boolean {
  const others = comments.filter(
    (other) =>
      other.review?.thread_id === review?.thread_id &&
      (other.author.id !== author.id || signatureOf(other.body) !== undefined) &&
      byTime(other, at) < 0,
  );
  const last = others.sort(byTime).at(-1);
  if (last === undefined || last.author.bot || signatureOf(last.body) !== undefined) return false;
  return findMention(body, names) === undefined;
}

type Placed = Pick<ForgeComment, 'id' | 'created_at'>;

/** Those of one second in the order of their ids, which are numbers. */
export function byTime(one: Placed, other: Placed): number {
  const ids = one.id.length - other.id.length || one.id.localeCompare(other.id);
  return one.created_at.localeCompare(other.created_at) || ids;
}
