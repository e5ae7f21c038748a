import type { ForgeComment, ForgeEvent, Thread } from '../forge.ts';
import { reviewOfText } from '../review-text.ts';

/*
 * A webhook is a hint. Where one secret serves all repositories, whoever may set up a webhook can sign what they like.
 * So who wrote something, and what, is taken from the forge's own answer.
 */

type ReviewEvent = Extract<ForgeEvent, { type: 'review' }>;

/** The event with the author, text and labels that the forge shows. Undefined: there it is not, or somebody else's. */
export function asRead(event: ForgeEvent, thread: Thread): ForgeEvent | undefined {
  const { author, title, body, comments } = thread;
  switch (event.type) {
    case 'comment': {
      const comment = comments.find(({ id }) => id === event.comment.id);
      return comment && { ...event, comment };
    }
    case 'review': {
      const read = reviewAsRead(event, comments, () => false);
      return read && { ...event, ...read };
    }
    case 'issue': {
      if (event.action === 'opened' && author.id !== event.sender.id) return undefined;
      const shown = thread.labels.map((label) => label.toLowerCase());
      const labels = event.labels.filter((label) => shown.includes(label.toLowerCase()));
      return { ...event, title, body, labels };
    }
    case 'pull':
      return { ...event, pull: { ...event.pull, author, body } };
    case 'check':
    case 'pull_checks':
    case 'repository':
      return event;
  }
}

/**
 * Which review of the sender's an event tells of, and its text as the forge shows it. Where the event does not name the
 * review, it is the newest with this text that is not known, else the newest with comments on lines.
 */
export function reviewAsRead(
  { review_id, sender, body }: ReviewEvent,
  comments: readonly ForgeComment[],
  isKnown: (review_id: string) => boolean,
): { review_id: string; body: string } | undefined {
  const own = comments.filter(({ author }) => author.id === sender.id);
  const texts = own.flatMap(({ id, body: text }) => {
    const of = reviewOfText(id);
    return of === undefined ? [] : [{ review_id: of, body: text }];
  });
  if (review_id !== null) return texts.find((text) => text.review_id === review_id) ?? { review_id, body: '' };
  const said = texts.findLast((text) => text.body === body && !isKnown(text.review_id));
  if (said) return said;
  const on_lines = own.flatMap(({ review }) => review?.review_id ?? []).findLast((id) => !isKnown(id));
  if (on_lines === undefined) return undefined;
  return texts.find((text) => text.review_id === on_lines) ?? { review_id: on_lines, body: '' };
}
