import type { Check } from './forge.ts';

/** What a program says of a commit. Its context names it: the newest of each context counts. */
type Status = { context: string; state: string; target_url: string };

/** A commit status as a check. Both forges have the same states, and Gitea has two more. */
export function statusCheck({ context, state, target_url }: Status): Check {
  const url = target_url || null;
  return { id: `status-${context}`, name: context, url, state: statusState(state), log_id: null };
}

function statusState(state: string): Check['state'] {
  switch (state) {
    // Gitea has the last two: it merges with a warning, and skips a job whose condition does not hold.
    case 'success':
    case 'warning':
      return 'passed';
    case 'skipped':
      return 'skipped';
    case 'failure':
    case 'error':
      return 'failed';
    default:
      return 'running';
  }
}
