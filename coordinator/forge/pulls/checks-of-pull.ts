import { checksVerdict, type PullChecks } from '../../../protocol/pulls.ts';
import type { PullRow } from '../../domain/pull.ts';
import type { Check, ReadableChecks } from '../forge.ts';

/** How many failed checks are named, and how much of a name is kept. */
const FAILED_NAMES_MAX = 10;
const NAME_CHARS_MAX = 100;
/** How checks end that have not passed: those first that tell of the commit. */
const NOT_PASSED = ['failed', 'needs_action', 'cancelled'] as const;

/**
 * What is stored of the checks. Those that may not be read hide nothing else: the person is told of them, and which
 * right is missing. Where there are more than are read, a failed or running one says how it is, and others nothing: the
 * person is told where to look.
 */
export function checksOf({ items, cut, missing }: ReadableChecks, host: string): Pick<PullRow, 'checks' | 'problem'> {
  const counted = countChecks(items);
  const verdict = checksVerdict(counted);
  const is_open = cut && verdict !== 'failed' && verdict !== 'running';
  const checks = is_open || (missing.length > 0 && items.length === 0) ? null : counted;
  if (missing.length > 0) {
    const rights = missing.join(' and ');
    return { checks, problem: `${host} does not let the token read all checks: give it the right to read ${rights}.` };
  }
  const unread = `${host} has more checks of this commit than are read: look there whether all have passed.`;
  return { checks, problem: is_open ? unread : null };
}

/**
 * The checks of a commit, counted. One that waits for a person has not ended. One that was cancelled has neither passed
 * nor failed. One that needs an action has failed.
 */
function countChecks(checks: readonly Check[]): PullChecks {
  const count = (state: Check['state']) => checks.filter((check) => check.state === state).length;
  const failed = NOT_PASSED.flatMap((state) =>
    checks.filter((check) => check.state === state).map(({ name, url }) => ({ name, state, url })),
  ).slice(0, FAILED_NAMES_MAX);
  return {
    running: count('running') + count('waiting'),
    passed: count('passed'),
    failed: count('failed') + count('needs_action'),
    needs_action: count('needs_action'),
    cancelled: count('cancelled'),
    failed_names: failed.map(({ name }) => name.slice(0, NAME_CHARS_MAX)),
    failed_states: failed.map(({ state }) => state),
    failed_urls: failed.map(({ url }) => url),
  };
}
