import type { JSX } from 'preact';
import type { PullRequest } from '../../../protocol/pulls.ts';
import { checksVerdict } from '../../../protocol/without-schemas.ts';
import { t } from './speech.ts';

/** A pull request in a word: its number, and its state in words and colour. */
export function PullChip({ pull }: { pull: PullRequest }): JSX.Element {
  const { number, state, draft, checks, problem } = pull;
  const verdict = state === 'open' ? checksVerdict(checks) : 'none';
  const colour = state === 'failed' || verdict === 'failed' ? 'bad' : verdict === 'passed' ? 'good' : state;
  return (
    <span class={`pull ${colour}`}>
      {number === null ? t.pull.untitled : `#${number}`} {t.pull.state[state === 'open' && draft ? 'draft' : state]}
      {verdict !== 'none' && `, ${t.pull.checks[verdict]}`}
      {problem !== null && state !== 'failed' && ' !'}
    </span>
  );
}
