import type { Check } from './forge.ts';

/** What a program says of a commit. Its context names it: the newest of each context counts. */
type Status = { context: string; state: string; target_url: string };

/** A commit status as a check. Both forges know the same states. */
export function statusCheck({ context, state, target_url }: Status): Check {
  const url = target_url || null;
  return { id: `status-${context}`, name: context, url, state: statusState(state), log_id: null };
}

function statusState(state: string): Check['state'] {
  switch (state) {
    case 'success':
      return 'passed';
    case 'failure':
    case 'error':
      return 'failed';
    default:
      return 'running';
  }
}
