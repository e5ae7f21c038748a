import type { ErrorCode } from '../../protocol/problem.ts';
import type { FailureReason } from '../../protocol/task.ts';
import type { GitRefusal } from '../loopback-proxy.ts';
import { lastWords, type GitEnd } from './git.ts';

/** What kept the worker from fetching or pushing: a reason of the contract, and words for a person. */
export class RepositoryError extends Error {
  override readonly name = 'RepositoryError';
  readonly reason: FailureReason;

  constructor(reason: FailureReason, message: string, cause?: unknown) {
    super(message, { cause });
    this.reason = reason;
  }
}

/** What a fetch that failed means: by the code that came with the refusal, else by its status, else by git's own words. */
export function fetchError(end: GitEnd, refusal: GitRefusal | null, repo_url: string): RepositoryError {
  const words = lastWords(end.stderr);
  if (isNotFound(refusal, end.stderr))
    return new RepositoryError(
      'repository_not_found',
      `There is no repository at ${repo_url}, or no right to read it (${words}).`,
    );
  return new RepositoryError('repository_unavailable', sentence(`The repository could not be fetched: ${words}`));
}

function isNotFound(refusal: GitRefusal | null, stderr: string): boolean {
  if (refusal?.code) return isFinal(refusal.code);
  if (refusal !== null) return [401, 403, 404, 410].includes(refusal.status);
  return /not found|does not appear to be a git repository|authentication failed|could not read username/i.test(stderr);
}

/** What a push that failed means. A remote that refuses the ref will refuse it again; all else may pass. */
export function pushError(end: GitEnd, refusal: GitRefusal | null): RepositoryError {
  const refused = /^!\t\S+\t\[remote rejected\] \((.*)\)$/m.exec(end.stdout.toString('utf8'))?.[1];
  if (refused !== undefined)
    return new RepositoryError('push_rejected', sentence(`The repository refused the push: ${refused}`));
  const words = lastWords(end.stderr);
  if (refusal?.code ? isFinal(refusal.code) : [401, 403, 404, 413].includes(refusal?.status ?? 0))
    return new RepositoryError('push_rejected', sentence(`The push was refused: ${words}`));
  return new RepositoryError('push_failed', sentence(`The push did not get through: ${words}`));
}

/** A sentence that ends once, whether or not the words that it quotes end by themselves. */
function sentence(text: string): string {
  return text.endsWith('.') ? text : `${text}.`;
}

/** Whether another try would be refused the same way. `unauthenticated` is the task token's, which is renewed. */
function isFinal(code: ErrorCode): boolean {
  return code === 'not_found' || code === 'forbidden' || code === 'invalid' || code === 'too_large';
}
