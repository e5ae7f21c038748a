import type { ThreadProblem } from '../../../protocol/coordinator-events.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import type { Thread } from '../forge.ts';
import { MATERIAL_RULE, threadMaterial } from '../intake/material.ts';

/** `repository`: `owner/name`. */
type Named = { number: number; repository: string; is_continued: boolean };
/** An issue or pull request that a task names, as it was read. */
export type ReadThread = Named & ({ thread: Thread } | { problem: ThreadProblem });

const BEYOND_NAMED_MAX = 20;

/**
 * What the agent is given of them, behind what its person asks for; empty: they name none. `beyond`: those that were
 * not read, since there are so many.
 */
export function namedMaterial(reads: readonly ReadThread[], beyond: readonly Named[]): string {
  const threads = reads.flatMap((read) => ('thread' in read ? [read] : []));
  const unread = reads.flatMap((read) => ('problem' in read ? [read] : []));
  const share = Math.floor(LIMITS.named_threads_chars_max / Math.max(1, threads.length));
  const chars_max = Math.min(LIMITS.thread_chars_max, share);
  const parts = threads.map((read) => {
    const what = read.thread.is_pull ? 'pull request' : 'issue';
    return `The ${what} ${nameOf(read)}: ${read.thread.url}\n\n${threadMaterial(read.thread, chars_max)}`;
  });
  const rule = `What is named above follows as it is now, with the newest comments. ${MATERIAL_RULE}`;
  return [...(parts.length > 0 ? [rule] : []), ...parts, ...unread.map(unreadWords), ...beyondWords(beyond)].join(
    '\n\n',
  );
}

function unreadWords(read: ReadThread & { problem: ThreadProblem }): string {
  const rule =
    'You have its number alone: do not guess what it says. Ask, or say at the end that you have not read it.';
  return `${nameOf(read)} could not be read for you: ${PROBLEMS[read.problem]}. ${rule}`;
}

function beyondWords(beyond: readonly Named[]): string[] {
  if (beyond.length === 0) return [];
  const more = beyond.length - BEYOND_NAMED_MAX;
  const names = [...beyond.slice(0, BEYOND_NAMED_MAX).map(nameOf), ...(more > 0 ? [`${more} more`] : [])].join(', ');
  const rule = 'Do not guess what they say. Ask, or say at the end that you have not read them.';
  return [`No more than ${LIMITS.named_threads_max} are read for you. You have the numbers alone of ${names}. ${rule}`];
}

function nameOf({ repository, number, is_continued }: Named): string {
  return `#${number} of ${repository}${is_continued ? ', on whose branch you work' : ''}`;
}

const PROBLEMS: Record<ThreadProblem, string> = {
  no_token: 'there is no token for its forge',
  refused: 'its forge does not let the token read it',
  not_found: 'its forge shows the token no such issue or pull request',
  rate_limited: 'its forge takes no more calls for now',
  unreachable: 'its forge does not answer',
  failed: 'the server failed to read it',
};
