import { ErrandError } from '../../../protocol/problem.ts';
import type { RefusalReason } from '../../../protocol/refusal-reasons.ts';
import type { MergeMethod } from '../../../protocol/pulls.ts';
import { ForgeApiError } from '../forge-api-error.ts';
import { MergeRefused, type MergeObstacle } from '../merge-refused.ts';

/** What was asked of a forge. `base`: the branch that the pull request goes into. `method` null: not to merge. */
export type AskedOf = { host: string; base: string; method: MergeMethod | null };

/** What a person is told where a forge did not do what they asked of a pull request. The log has any other error. */
export function refusalWords(error: unknown, { host, base, method }: AskedOf): unknown {
  if (error instanceof MergeRefused) {
    const words = OBSTACLES[error.obstacle]({ host, base, method });
    const { said } = error;
    const params = { host, base, ...(method !== null && { method }), ...(said !== undefined && { said }) };
    const reason = `merge_${error.obstacle}` as const;
    return new ErrandError('conflict', `${words} ${error.message}`, { cause: error, reason, params });
  }
  const is_late = error instanceof Error && error.name === 'TimeoutError';
  if (!is_late && !(error instanceof ForgeApiError)) return error;
  const of = (code: ErrandError['code'], reason: RefusalReason, text: string) =>
    new ErrandError(code, text, { cause: error, reason, params: { host, said: error.message } });
  if (!(error instanceof ForgeApiError))
    return of('upstream_unreachable', 'forge_timeout', `${host} took too long to answer.`);
  switch (error.fault) {
    case 'unauthorized':
      return of(
        'forbidden',
        'forge_token_ended',
        `${host} does not take the token any more: link your account there again.`,
      );
    case 'forbidden':
    case 'not_found':
      return of('forbidden', 'forge_forbids', `${host} does not let the token do this. ${error.message}`);
    case 'invalid':
      return of('conflict', 'forge_refuses', `${host} refuses it. ${error.message}`);
    case 'rate_limited':
      return of('upstream_unreachable', 'forge_limited', `${host} takes no more calls for now: try again later.`);
    case 'app_refused':
    case 'unreachable':
      return of('upstream_unreachable', 'forge_away', `${host} does not answer: ${error.message}`);
  }
}

const OBSTACLES: Record<MergeObstacle, (asked: AskedOf) => string> = {
  moved: () => 'New commits have come to the branch: look at them first.',
  conflicts: ({ host, base }) => `It conflicts with ${base}, or ${host} still finds out whether it does.`,
  draft: () => 'It is a draft: mark it as ready for review first.',
  checks: ({ base }) => `${base} requires checks that have not passed.`,
  review: ({ base }) => `${base} requires a review that it lacks.`,
  method: ({ base, method }) => `${base} does not take it by the method ${method ?? ''}: choose another one.`,
  queue: ({ host, base }) => `${base} has a merge queue: add it to that on ${host}.`,
  behind: ({ base }) => `The branch lacks the newest commits of ${base}: merge them into it first.`,
  blocked: ({ host, base }) => `The rules of ${base} do not let it be merged now: ${host} says why.`,
  protected: ({ base }) => `The rules of ${base} do not let this token merge it.`,
  busy: () => 'Something has changed there just now: try again.',
};
