import { checksVerdict, type PullRequest } from '../../../protocol/pulls.ts';
import type { ThreadProblem } from '../../../protocol/coordinator-events.ts';
import { failedChecks, type FailedCheck } from '../../client/errand/failed-checks.ts';
import type { KnownEvent } from '../../client/known-event.ts';
import { clock } from './format.ts';
import type { Line, Style } from './line.ts';
import { oneLine } from './text.ts';

type ThreadRead = Extract<KnownEvent, { type: 'thread.read' }>['body'];

const PROBLEM_CHARS_MAX = 300;

/** A pull request: its state, its checks, its conflicts, its page, and what is wrong. */
export function pullLines(pull: PullRequest): Line[] {
  const { state, url, problem, retry_at, author, wished_author } = pull;
  const name = pull.number === null ? 'pull request' : `pull request #${pull.number}`;
  const lines: Line[] = [
    [
      ['bold', name],
      ' ',
      STATES[state](pull),
      ...checks(pull),
      ...conflicts(pull),
      ...(url === null ? [] : [` ${url}`]),
    ],
  ];
  lines.push(...failedPages(pull));
  if (problem !== null) lines.push([['yellow', `  ${oneLine(problem, PROBLEM_CHARS_MAX)}`]]);
  if (problem !== null && retry_at !== null) lines.push([['dim', `  tried again at ${clock(retry_at)}`]]);
  if (state === 'open' && author === 'person' && wished_author === 'app') lines.push([['dim', `  ${NOT_AS_APP}`]]);
  return lines;
}

const NOT_AS_APP = 'opened with the token that pushes, whose owner cannot approve it: the app is not installed there';

/** An issue or pull request that the agent was given, or why it was not. */
export function threadLine({ number, repository = '', title, problem }: ThreadRead): Line {
  const name = `${repository}#${number}`;
  if (problem === null) return [['dim', `read for the agent: ${name} ${oneLine(title ?? '', PROBLEM_CHARS_MAX)}`]];
  return [['yellow', `${name} could not be read: ${UNREAD[problem]}. The agent has its number alone`]];
}

const UNREAD: Record<ThreadProblem, string> = {
  no_token: 'there is no token for its forge',
  refused: 'the forge does not let the token read it',
  not_found: 'the forge shows no such issue to the token',
  rate_limited: 'the forge takes no more calls for now',
  unreachable: 'the forge does not answer',
  failed: 'the server failed; its log says why',
};

type Part = Line[number];

const STATES: Record<PullRequest['state'], (pull: PullRequest) => Part> = {
  opening: () => ['dim', 'is being opened'],
  open: ({ draft }) => ['green', draft ? 'is open, as a draft' : 'is open'],
  merged: () => ['cyan', 'was merged'],
  closed: () => ['dim', 'was closed'],
  failed: () => ['red', 'could not be opened'],
};

function conflicts({ state, conflicts: has_some, base }: PullRequest): Part[] {
  if (state !== 'open' || has_some !== true) return [];
  return [', ', ['red', `conflicts with ${oneLine(base ?? 'the default branch', 60)}`]];
}

function checks({ state, checks: counted }: PullRequest): Part[] {
  if (state !== 'open' || counted === null) return [];
  const names = failedChecks(counted).map(checkName).join(', ');
  const words: Record<ReturnType<typeof checksVerdict>, [Style, string] | undefined> = {
    none: undefined,
    running: ['dim', 'checks run'],
    passed: ['green', 'checks passed'],
    cancelled: ['dim', `not passed: ${names}`],
    failed: ['red', `failed: ${names}`],
  };
  const word = words[checksVerdict(counted)];
  return word ? [', ', word] : [];
}

/** The pages of the checks that did not pass: their logs are there. */
function failedPages({ state, checks: counted }: PullRequest): Line[] {
  if (state !== 'open' || counted === null) return [];
  return failedChecks(counted).flatMap((check): Line[] =>
    check.url === null ? [] : [[['dim', `  ${checkName(check)}: ${check.url}`]]],
  );
}

function checkName({ name, state }: FailedCheck): string {
  return `${oneLine(name, 60)}${CHECK_STATES[state]}`;
}

const CHECK_STATES: Record<FailedCheck['state'], string> = {
  failed: '',
  needs_action: ' (needs an action)',
  cancelled: ' (cancelled)',
};
