import { stripVTControlCharacters } from 'node:util';
import type { ErrorCode } from '../../protocol/problem.ts';
import type { FailureReason } from '../../protocol/task.ts';
import { AttemptFailure } from '../base/failure.ts';
import type { GitFailure } from '../proxy/forward-git.ts';
import { errorSummary, isDiskFull, type GitResult } from './git.ts';

/** There was no connection to the coordinator, through which git reaches the remote. */
export class Disconnected extends AttemptFailure {
  constructor(reason: FailureReason, what: string) {
    super(reason, `${what}: the server cannot be reached.`);
  }
}

/** What a failed fetch means, judged by the error code of the response, else by its status, else by git's output. */
export function fetchFailure(result: GitResult, failure: GitFailure | null, repo_url: string): AttemptFailure {
  const { stderr } = result;
  if (failure?.is_disconnected)
    return new Disconnected('repository_unavailable', 'The repository could not be fetched');
  if (isDiskFull(stderr))
    return new AttemptFailure(
      'disk_full',
      sentence(`The repository does not fit on the disk: ${errorSummary(result)}`),
    );
  const words = refusalOf(stderr, failure);
  const summary = words ?? errorSummary(result);
  if (isNotFound(failure, stderr))
    return new AttemptFailure(
      'repository_not_found',
      words ?? `There is no repository at ${repo_url}, or no permission to read it (${summary}).`,
    );
  return new AttemptFailure('repository_unavailable', sentence(`The repository could not be fetched: ${summary}`));
}

/** Whether the same request may be answered in another way soon: the forge is busy, or the task token is renewed. */
export function isTemporary(failure: GitFailure | null): boolean {
  return (
    failure !== null &&
    ([408, 409, 429, 500, 502, 503, 504].includes(failure.status) || failure.code === 'unauthenticated')
  );
}

/** Whether the remote says of a commit that was asked for by its id that it does not have it, or never gives one. */
export function isWithoutCommit({ stderr }: GitResult): boolean {
  return /not our ref|unadvertised object|want [0-9a-f]+ not valid/.test(stderr);
}

/** What the model is told where the branch has commits that its work would lose. */
export function mergeAdvice(branch: string): string {
  return (
    `Commits that your work does not contain are on the branch ${branch}: somebody has pushed to it meanwhile, or you have ` +
    'rewritten commits that were there. Commit what you have changed, and merge them, for others may rely on them: ' +
    `git fetch origin ${branch} && git merge FETCH_HEAD (or git rebase FETCH_HEAD, if your own commits are there in ` +
    'another form). Resolve conflicts, check that the work is still right, and end your turn: it is pushed then.'
  );
}

/** The same for work in progress, of which people alone are told. */
export function describeKept(branch: string): string {
  return `Somebody has pushed to ${branch} meanwhile. This work is kept, and is merged with theirs once it is finished.`;
}

/** A push that git reports as rejected: by whom, and the reason in its parentheses. */
const REJECTION = /^!\t\S+\t\[(remote rejected|rejected)\] \((.*)\)$/m;
const FORGE_LINES_MAX = 20;
const FORGE_LINE_CHARS_MAX = 300;
const REFUSAL_CHARS_MAX = 1_000;

/**
 * What a failed push means. A remote that rejects the ref will reject it again; anything else may be temporary. The
 * message has the forge's own lines.
 */
export function pushFailure(result: GitResult, failure: GitFailure | null): AttemptFailure {
  const { stdout, stderr } = result;
  if (failure?.is_disconnected) return new Disconnected('push_failed', 'The push failed');
  const [, by, reason = ''] = REJECTION.exec(stdout.toString('utf8')) ?? [];
  if (by === 'remote rejected') {
    const lines = forgeLines(stderr);
    const said = lines.length === 0 ? '' : `\nThe forge says:\n${lines.map((line) => `  ${line}`).join('\n')}`;
    return new AttemptFailure(
      'push_rejected',
      `${sentence(`The repository rejected the push: ${clean(reason)}`)}${said}`,
    );
  }
  const words = refusalOf(stderr, failure);
  const summary = words ?? errorSummary(result);
  if (failure?.code ? isFinal(failure.code) : [401, 403, 404, 413].includes(failure?.status ?? 0))
    return new AttemptFailure('push_rejected', words ?? sentence(`The push was rejected: ${summary}`));
  return new AttemptFailure('push_failed', sentence(`The push failed: ${summary}`));
}

/**
 * What is wrong with the branch that a push was refused for. `moved`: it is not at the expected commit. `not_replaced`:
 * the forge does not let it be replaced. `in_the_way`: another branch has a part of its name. Null: nothing.
 */
export function refusedName({ stdout, stderr }: GitResult): 'moved' | 'not_replaced' | 'in_the_way' | null {
  const [, by, reason = ''] = REJECTION.exec(stdout.toString('utf8')) ?? [];
  if (by === undefined) return null;
  if (by === 'rejected') return /stale info|fetch first|non-fast-forward/.test(reason) ? 'moved' : null;
  const text = `${reason}\n${forgeLines(stderr).join('\n')}`;
  if (/cannot lock ref|exists; cannot create|cannot create '|directory\/file conflict|refname conflict/i.test(text))
    return 'in_the_way';
  if (/non-fast-forward|force[- ]push|protected branch/i.test(text)) return 'not_replaced';
  return reason === 'failed to update ref' ? 'in_the_way' : null;
}

/** What the forge itself says about a push, as plain lines of bounded number and length. */
function forgeLines(stderr: string): string[] {
  const lines = stderr
    .split(/[\r\n]+/)
    .filter((line) => line.startsWith('remote: '))
    .map((line) => clean(line.slice('remote: '.length)))
    .filter((line) => line !== '' && !/^(Resolving deltas|Counting objects|Compressing objects|Checking )/.test(line));
  if (lines.length <= FORGE_LINES_MAX) return lines;
  return [...lines.slice(0, FORGE_LINES_MAX), `(${lines.length - FORGE_LINES_MAX} more lines)`];
}

/** Text of the forge without escape sequences and other control characters. */
function clean(text: string, chars_max = FORGE_LINE_CHARS_MAX): string {
  const plain = stripVTControlCharacters(text).replace(/[\p{Cc}\p{Cf}]/gu, ' ');
  return plain.trimEnd().slice(0, chars_max).toWellFormed();
}

/**
 * The coordinator's own words for a refusal, which say what is wrong and what to do. Git prints them behind their code.
 * Undefined: it gave none, or git did not print them.
 */
function refusalOf(stderr: string, failure: GitFailure | null): string | undefined {
  if (!failure?.code) return undefined;
  const before = `remote: ${failure.code}: `;
  const line = stderr.split(/[\r\n]+/).find((each) => each.startsWith(before));
  return line && sentence(clean(line.slice(before.length), REFUSAL_CHARS_MAX));
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
