import { z } from 'zod';

/**
 * Why an attempt did not succeed. `true`: another attempt may succeed, so the task is retried. `false`: it would fail
 * again.
 */
export const FAILURE_IS_WORTH_A_RETRY = {
  worker_lost: true,
  worker_hung: true,
  worker_start_failed: true,
  out_of_memory: true,
  model_unavailable: true,
  spending_cap: true,
  repository_unavailable: true,
  push_failed: true,
  repository_not_found: false,
  push_rejected: false,
  setup_failed: false,
  verify_failed: false,
  budget_exhausted: false,
  turn_limit: false,
  time_limit: false,
  refused: false,
  model_rejected: false,
  context_exhausted: false,
  stuck: false,
  disk_full: false,
  workspace_full: false,
  log_full: false,
  agent_error: false,
} as const;
export type FailureReason = keyof typeof FAILURE_IS_WORTH_A_RETRY;

/** What each means, for who reads the schemas. */
const FAILURE_MEANINGS: Record<FailureReason, string> = {
  worker_lost: "the worker's lease expired, its container was lost, or its process died",
  worker_hung: 'the worker sent heartbeats but made no progress for too long',
  worker_start_failed: 'the worker could not be started',
  out_of_memory: 'the worker ran out of memory; retried once, since it would do so again',
  model_unavailable: 'the Claude API could not be reached, or was overloaded for longer than the worker waits',
  spending_cap:
    'what a person or the whole server may spend in a calendar month is reached. Set by the coordinator, which ' +
    'retries where the next month begins within a week; a worker ends with `model_unavailable`',
  repository_unavailable: 'the git server could not be reached, or did not answer as one',
  push_failed: 'a push did not arrive, and was not refused',
  repository_not_found: 'the repository does not exist, or may not be read',
  push_rejected: 'the push was refused, or would carry what must not be pushed',
  setup_failed: "the project's setup command failed",
  verify_failed: "the project's verify command failed to the end",
  budget_exhausted: 'the budget is spent',
  turn_limit: '`max_turns` is reached',
  time_limit: 'the time limit of the attempt is reached',
  refused: 'the model refused to continue',
  model_rejected: 'the Claude API refused the key or the request',
  context_exhausted: 'the conversation is too long for the model, and cannot be shortened',
  stuck: 'the agent repeated itself, or its answers were cut off again and again',
  disk_full: 'the disk with the workspace is full',
  workspace_full: 'the workspace exceeded its size limit. A further attempt begins with a new one',
  log_full: 'the attempt stored as many events as it may. A further attempt goes on in its workspace',
  agent_error: 'the agent failed in another way: `detail` says how',
};

function failureMeanings(): string {
  const meanings = Object.entries(FAILURE_MEANINGS).map(([reason, meaning]) => `\`${reason}\`: ${meaning}.`);
  return meanings.join(' ');
}

/** The reason of a failure. */
export const FailureReason = z
  .enum(Object.keys(FAILURE_IS_WORTH_A_RETRY) as [FailureReason, ...FailureReason[]])
  .describe(failureMeanings());
