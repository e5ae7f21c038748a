import type { ErrorCode } from '../../protocol/problem.ts';
import { AttemptFailure } from '../base/failure.ts';
import type { GitFailure } from '../proxy/forward-git.ts';
import { errorSummary, type GitResult } from './git.ts';

/** What a failed fetch means, judged by the error code of the response, else by its status, else by git's output. */
export function fetchFailure({ stderr }: GitResult, failure: GitFailure | null, repo_url: string): AttemptFailure {
  const summary = errorSummary(stderr);
  if (isNotFound(failure, stderr))
    return new AttemptFailure(
      'repository_not_found',
      `There is no repository at ${repo_url}, or no permission to read it (${summary}).`,
    );
  return new AttemptFailure('repository_unavailable', sentence(`The repository could not be fetched: ${summary}`));
}

/** What a failed push means. A remote that rejects the ref will reject it again; anything else may be temporary. */
export function pushFailure({ stdout, stderr }: GitResult, failure: GitFailure | null): AttemptFailure {
  const rejection = /^!\t\S+\t\[remote rejected\] \((.*)\)$/m.exec(stdout.toString('utf8'))?.[1];
  if (rejection !== undefined)
    return new AttemptFailure('push_rejected', sentence(`The repository rejected the push: ${rejection}`));
  const summary = errorSummary(stderr);
  if (failure?.code ? isFinal(failure.code) : [401, 403, 404, 413].includes(failure?.status ?? 0))
    return new AttemptFailure('push_rejected', sentence(`The push was rejected: ${summary}`));
  return new AttemptFailure('push_failed', sentence(`The push failed: ${summary}`));
}

function isNotFound(failure: GitFailure | null, stderr: string): boolean {
  if (failure?.code) return isFinal(failure.code);
  if (failure !== null) return [401, 403, 404, 410].includes(failure.status);
  return /not found|does not appear to be a git repository|authentication failed|could not read username/i.test(stderr);
}

/**
 * Whether a retry would fail the same way. Not so `unauthenticated`, which is about the task token: that is renewed.
 */
function isFinal(code: ErrorCode): boolean {
  return code === 'not_found' || code === 'forbidden' || code === 'invalid' || code === 'too_large';
}

/** Ends a sentence with one full stop, whether or not the text that it quotes has one. */
function sentence(text: string): string {
  return text.endsWith('.') ? text : `${text}.`;
}
