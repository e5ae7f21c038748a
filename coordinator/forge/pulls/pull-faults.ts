import { ErrandError } from '../../../protocol/problem.ts';
import { ForgeApiError } from '../forge-api-error.ts';

/** Why a forge did not do what it was asked for. `retry_at` undefined: with backoff. */
export type PullFault = { problem: string; worth_a_retry: boolean; retry_at: Date | undefined };

/** The pull request cannot be opened or read, for a reason that the same call would meet again. For people. */
export class PullRefused extends Error {
  override readonly name = 'PullRefused';
}

/** What a failed call means to a person, and whether the same call may succeed later. */
export function faultOf(error: unknown, { host, branch }: { host: string; branch: string }): PullFault {
  if (error instanceof PullRefused) return { problem: error.message, worth_a_retry: false, retry_at: undefined };
  const again = { worth_a_retry: true, retry_at: undefined };
  // Of the token: it could not be renewed, or the link is broken.
  if (error instanceof ErrandError)
    return { ...again, problem: error.message, worth_a_retry: error.code === 'upstream_unreachable' };
  if (error instanceof Error && error.name === 'TimeoutError')
    return { ...again, problem: `${host} took too long to answer.` };
  if (!(error instanceof ForgeApiError)) return { ...again, problem: 'The server itself failed; its log says why.' };
  const never = { worth_a_retry: false, retry_at: undefined };
  switch (error.fault) {
    case 'unauthorized':
      return { ...never, problem: `${host} does not take the token any more: link your account there again.` };
    case 'forbidden':
      return {
        ...never,
        problem: `${host} does not let the token do this: ${sentence(error.message)} The branch ${branch} stays pushed.`,
      };
    case 'not_found':
      return {
        ...never,
        problem: `${host} shows no such repository to the token: it was moved, deleted or made private. ${error.hint ?? 'If the app is not installed there: the settings, "Linked accounts", have the link to install it.'}`,
      };
    case 'invalid':
      return { ...never, problem: error.message };
    case 'app_refused':
      return { ...again, problem: error.message };
    case 'rate_limited':
      return { problem: `${host} takes no more calls for now.`, worth_a_retry: true, retry_at: error.retry_at };
    case 'unreachable':
      return { problem: `${host} does not answer: ${error.message}`, worth_a_retry: true, retry_at: error.retry_at };
  }
}

/** What a forge says, as a whole sentence: some leave the full stop out. */
function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
