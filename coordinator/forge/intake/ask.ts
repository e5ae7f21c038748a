import type { ForgeComment, ForgeEvent, ForgePerson } from '../forge.ts';
import { taskOfBranch } from '../../domain/task.ts';
import { signatureOf } from '../own-words.ts';
import { findMention } from './mention.ts';

/** The label that asks for an errand. */
export const LABEL = 'errand';

/** A wish that somebody expressed at a forge. */
export type Ask = {
  /** Names it within the repository: each acts once. */
  source: string;
  number: number;
  is_pull: boolean;
  person: ForgePerson;
  /** Empty: what the issue says. */
  request: string;
  /** The comment that it is in, if it is a comment. */
  comment: ForgeComment | null;
  /** Whether the label asks for it. Who has set that is not known yet. */
  by_label?: boolean;
};

/** What an event asks for by a mention or the label. Undefined: nothing. Bots, and Errand itself, ask for nothing. */
export function askOf(event: ForgeEvent, names: readonly string[]): Ask | undefined {
  const { sender: person } = event;
  if (person.bot) return undefined;
  switch (event.type) {
    case 'comment': {
      const { comment, number, is_pull } = event;
      if (comment.author.id !== person.id) return undefined;
      const request = requestIn(comment.body, names);
      return request === undefined
        ? undefined
        : { source: `comment:${comment.id}`, number, is_pull, person, request, comment };
    }
    case 'review': {
      const { number, review_id } = event;
      const request = requestIn(event.body, names);
      return request === undefined
        ? undefined
        : { source: `review:${review_id}`, number, is_pull: true, person, request, comment: null };
    }
    case 'issue': {
      const { number, is_pull, labels, action } = event;
      if (action === 'opened') {
        const request = requestIn(event.body, names);
        if (request !== undefined)
          return { source: `opened:${number}`, number, is_pull, person, request, comment: null };
      }
      if (!labels.some((label) => label.toLowerCase() === LABEL)) return undefined;
      const source = action === 'opened' ? `opened:${number}` : `labeled:${number}:${event.at ?? event.delivery_id}`;
      return { source, number, is_pull, person, request: '', comment: null, by_label: true };
    }
    case 'pull': {
      const { number, body, author, head } = event.pull;
      // Errand's own pull requests may quote what they were asked for.
      const others = event.action === 'opened' && author.id === person.id && taskOfBranch(head.branch) === undefined;
      const request = others ? requestIn(body, names) : undefined;
      return request === undefined
        ? undefined
        : { source: `opened:${number}`, number, is_pull: true, person, request, comment: null };
    }
    case 'check':
    case 'pull_checks':
    case 'repository':
      return undefined;
  }
}

/** What a text asks Errand for. Undefined: nothing, or Errand wrote it. */
export function requestIn(text: string, names: readonly string[]): string | undefined {
  return signatureOf(text) === undefined ? findMention(text, names)?.request : undefined;
}
