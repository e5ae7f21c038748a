import type { PullChecks } from '../../../protocol/pulls.ts';

/** A check that has not passed. `url`: the page that shows its log; null: it has none. */
export type FailedCheck = {
  name: string;
  state: NonNullable<PullChecks['failed_states']>[number];
  url: string | null;
};

/** The checks that have not passed, as far as they are named. Older events have the state in the name. */
export function failedChecks({ failed_names, failed_states = [], failed_urls = [] }: PullChecks): FailedCheck[] {
  return failed_names.map((name, i) => ({
    name,
    state: failed_states[i] ?? 'failed',
    url: failed_urls[i] ?? null,
  }));
}
