import test from 'ava';
import { ForgeApiError } from '../../../../coordinator/forge/forge-api-error.ts';
import { faultOf, PullRefused } from '../../../../coordinator/forge/pulls/pull-faults.ts';
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
  'the pull request cannot be': [new PullRefused('There is nothing to merge.'), /nothing to merge/, false],
  'the server has a bug': [new TypeError('x is undefined'), /^The server itself failed; its log says why\.$/, true],
};
for (const [name, [error, problem, worth_a_retry]] of Object.entries(CASES))
  test(`what the person reads of a pull request when ${name}`, (t) => {
    const fault = faultOf(error, { host: 'github.com', branch: 'errand/1' });
    t.regex(fault.problem, problem);
    t.is(fault.worth_a_retry, worth_a_retry);
  });
