/*
 * What a review says as a whole is a comment of its thread, too. All forges name it alike.
 */

const PREFIX = 'review-text-';

/** The id of what a review says as a whole, as a comment. */
export function reviewTextId(review_id: string): string {
  return PREFIX + review_id;
}

/** The review whose text this comment is; undefined: it is another comment. */
export function reviewOfText(comment_id: string): string | undefined {
  return comment_id.startsWith(PREFIX) ? comment_id.slice(PREFIX.length) : undefined;
}
