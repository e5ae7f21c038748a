import type { ErrandError } from '../../../protocol/problem.ts';
import type { FailureReason } from '../../../protocol/task.ts';

/*
 * Why an errand failed or was not started, in a closed set of sentences: strangers read them. An error's own words name
 * budgets, branches, hosts and settings; the person finds those in the errand.
 */

const SERVER = 'its server could not run it';
const LIMIT = 'it reached a limit that it has';
const MODEL = 'the model could not be used';
const REPOSITORY = 'the repository could not be read';
const PUSH = 'its work could not be pushed';
const NO_END = 'it came to no end';

const FAILED: Record<FailureReason, string> = {
  worker_lost: SERVER,
  worker_hung: SERVER,
  worker_start_failed: SERVER,
  out_of_memory: SERVER,
  disk_full: SERVER,
  workspace_full: SERVER,
  log_full: SERVER,
  agent_error: SERVER,
  model_unavailable: MODEL,
  model_rejected: MODEL,
  repository_unavailable: REPOSITORY,
  repository_not_found: REPOSITORY,
  push_failed: PUSH,
  push_rejected: PUSH,
  setup_failed: "the project's setup command failed",
  verify_failed: "the project's verify command failed",
  budget_exhausted: LIMIT,
  spending_cap: LIMIT,
  turn_limit: LIMIT,
  time_limit: LIMIT,
  refused: 'the model refused to go on',
  context_exhausted: NO_END,
  stuck: NO_END,
};

/** Ends a sentence about an errand that failed. */
export function failureWords(reason: FailureReason | null): string {
  return reason === null ? '.' : `: ${FAILED[reason]}.`;
}

/** Says that the server did not start what somebody asked for. */
export function refusalWords({ code, errors }: ErrandError): string {
  if (code === 'invalid' && errors?.some(({ field }) => field === '/work_branch'))
    return 'Not started: errands never push to the default branch or a protected one.';
  if (errors?.some(({ field }) => field === '/continue_pull'))
    return 'Not started: the pull request is not open, or its branch is in a fork, to which errands cannot push.';
  if (errors?.some(({ field }) => field === '/work_branch'))
    return 'Not started: an errand works on this branch already.';
  switch (code) {
    case 'unavailable':
      return 'Not started: too many errands wait. Ask again when some have run.';
    case 'conflict':
      return 'Not started: the errand at work here takes no further message now. Ask again when it has gone on.';
    case 'forbidden':
      return 'Not started: the settings of the project or the server do not allow it.';
    default:
      return 'Not started: the server refused it, and its log says why.';
  }
}
