import { withoutOutcomes } from '../../../protocol/closing-text.ts';
import type { Need } from '../../../protocol/needs.ts';
import type { TaskRow } from '../../domain/task.ts';
import type { PullRow } from '../../domain/pull.ts';
import { hasPushedWork } from '../../domain/task-repository.ts';
import { quiet } from '../own-words.ts';
import { failureWords } from './public-reasons.ts';

const SUMMARY_CHARS_MAX = 3_000;
const SENTENCE_CHARS_MAX = 600;

/** What is known of a task when it is told of. */
export type Told = {
  task: Pick<TaskRow, 'status' | 'reason' | 'result' | 'pushed_branch'>;
  /** Where the app shows it; null: not known. */
  link: string | null;
  /** Its open decisions. */
  needs: readonly Pick<Need, 'kind' | 'question'>[];
  pull: Pick<PullRow, 'state' | 'number' | 'url'> | undefined;
};

/** What becomes of a task, for the comment where it was asked for. Only what whoever reads the repository may know. */
export function statusWords({ task, link, needs, pull }: Told): string {
  const errand = link === null ? 'The errand' : `[The errand](${link})`;
  const [need] = needs;
  if (need && task.status !== 'cancelled') return `${errand} ${waits(need)}`;
  switch (task.status) {
    case 'queued':
    case 'starting':
      return `${errand} has been started.`;
    case 'running':
      return `${errand} is at work.`;
    case 'waiting':
    case 'parked':
      return `${errand} waits for an answer.`;
    case 'succeeded':
      return [`${errand} is done. ${outcome(task, pull)}`.trim(), summaryOf(task)]
        .filter((part) => part !== '')
        .join('\n\n');
    case 'failed':
      return `${errand} has failed${failureWords(task.reason)}`;
    case 'cancelled':
      return `${errand} was cancelled.`;
  }
}

/** Answers a review as a whole, or failed checks. `pushed`: the words for what was pushed for it; null: nothing. */
export function roundWords(task: Told['task'], pushed: string | null): string {
  if (task.status !== 'succeeded') return `This could not be finished${failureWords(task.reason)}`;
  const what = pushed === null ? 'Nothing was changed.' : `Pushed ${pushed}.`;
  return [what, summaryOf(task)].filter((part) => part !== '').join('\n\n');
}

/** Text of the model or of a person for a comment, cut. */
export function spoken(text: string, chars_max = SENTENCE_CHARS_MAX): string {
  const characters = Array.from(quiet(text.trim()));
  return characters.length > chars_max ? `${characters.slice(0, chars_max - 1).join('')}…` : characters.join('');
}

function waits({ kind, question }: Pick<Need, 'kind' | 'question'>): string {
  return kind === 'question'
    ? `waits for an answer to its question:\n\n${spoken(question).replace(/^/gm, '> ')}`
    : 'waits for a decision of the person it belongs to.';
}

function outcome({ result, pushed_branch }: Told['task'], pull: Told['pull']): string {
  const branch = result && hasPushedWork(result) ? pushed_branch : null;
  if (pull?.number) {
    if (pull.state === 'merged') return `Its pull request #${pull.number} was merged.`;
    if (pull.state !== 'closed') return `Its pull request is #${pull.number}.`;
    const left = branch === null ? '' : ` The work is on the branch \`${branch}\`.`;
    return `Its pull request #${pull.number} was closed.${left}`;
  }
  return branch === null ? 'It changed nothing.' : `Its branch is \`${branch}\`.`;
}

function summaryOf({ result }: Told['task']): string {
  return spoken(withoutOutcomes(result?.summary ?? ''), SUMMARY_CHARS_MAX);
}
