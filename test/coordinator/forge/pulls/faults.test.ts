import test from 'ava';
import { newPull } from '../../../../coordinator/domain/pull.ts';
import { ForgeApiError } from '../../../../coordinator/forge/forge-api-error.ts';
import { faultOf, PullRefused } from '../../../../coordinator/forge/pulls/pull-faults.ts';
import { afterFault, PULL_TIMES } from '../../../../coordinator/forge/pulls/pull-schedule.ts';
import { ErrandError } from '../../../../protocol/problem.ts';

const AWAY = 'github.com renewed no token: it gave no reason.';
const BROKEN = 'github.com does not accept the link any more: link your account there again.';
const timeout = new DOMException('The operation was aborted due to timeout', 'TimeoutError');

/** What can go wrong, what the person reads, and whether the server tries again. */
const CASES: Record<string, [error: unknown, problem: RegExp, worth_a_retry: boolean]> = {
  'the forge is away while a token is renewed': [
    new ErrandError('upstream_unreachable', AWAY),
    /renewed no token/,
    true,
  ],
  'the link is broken': [new ErrandError('forbidden', BROKEN), /link your account there again/, false],
  'all calls together took too long': [timeout, /github\.com took too long to answer/, true],
  'the forge is away': [new ForgeApiError('unreachable', 'no connection'), /does not answer: no connection/, true],
  'the token was revoked': [new ForgeApiError('unauthorized', '401'), /link your account there again/, false],
  'the forge forbids it without a full stop': [
    new ForgeApiError('forbidden', 'Resource not accessible'),
    /: Resource not accessible\. The branch errand\/1 stays pushed\.$/,
    false,
  ],
  'the forge forbids it in a whole sentence': [
    new ForgeApiError('forbidden', 'You may not.'),
    /: You may not\. The branch/,
    false,
  ],
  'the pull request cannot be': [new PullRefused('There is nothing to merge.'), /nothing to merge/, false],
  'the server has a bug': [new TypeError('x is undefined'), /^The server itself failed; its log says why\.$/, true],
};
for (const [name, [error, problem, worth_a_retry]] of Object.entries(CASES))
  test(`what the person reads of a pull request when ${name}`, (t) => {
    const fault = faultOf(error, { host: 'github.com', branch: 'errand/1' });
    t.regex(fault.problem, problem);
    t.is(fault.worth_a_retry, worth_a_retry);
  });

test('an open pull request whose forge stays away is asked for more and more seldom, and never given up', (t) => {
  const now = Date.parse('2026-01-01T00:00:00.000Z');
  const wish = { task_id: 'a', repo_url: 'https://github.com/a/b', title: '', head_branch: 'b', head_commit: 'c' };
  const pull = newPull({ ...wish, base_branch: null, draft: false, author: 'app' }, new Date(now).toISOString());
  const fault = faultOf(new ForgeApiError('unreachable', 'no connection'), { host: 'github.com', branch: 'b' });
  const waitAfter = (failures: number) => {
    const { next_look_at } = afterFault({ ...pull, state: 'open', failures }, fault, PULL_TIMES, now);
    return Date.parse(next_look_at ?? '') - now;
  };
  t.true(waitAfter(0) < waitAfter(20));
  t.true(waitAfter(38) <= PULL_TIMES.retry_ms_max);
  for (const failures of [39, 40, 1_000]) t.is(waitAfter(failures), PULL_TIMES.look_ms_max);
});
