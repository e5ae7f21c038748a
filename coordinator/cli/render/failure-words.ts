import type { FailureReason } from '../../../protocol/task.ts';

/** Each reason for a failure as a sentence, for where there is no detail. */
export const FAILURE_WORDS: Record<FailureReason, string> = {
  worker_lost: 'The worker was lost.',
  worker_hung: 'The worker made no progress.',
  worker_start_failed: 'No worker could be started.',
  out_of_memory: 'It ran out of memory.',
  model_unavailable: 'The Claude API could not be reached.',
  repository_unavailable: 'The repository could not be reached.',
  push_failed: 'The push did not work.',
  repository_not_found: 'The repository or its branch was not found.',
  push_rejected: 'The push was refused.',
  setup_failed: 'The setup command failed.',
  verify_failed: 'The verify command failed.',
  budget_exhausted: 'The budget is spent.',
  spending_cap: 'The spending limit of the month is reached.',
  turn_limit: 'It took as many turns as it may.',
  time_limit: 'It took as long as it may.',
  refused: 'The model refused to continue.',
  model_rejected: 'The Claude API refused the key or the request.',
  context_exhausted: 'The conversation became too long.',
  stuck: 'The agent repeated itself.',
  disk_full: 'The disk of the server is full.',
  workspace_full: 'The workspace became too large.',
  log_full: 'It wrote too much into its log.',
  agent_error: 'Something went wrong in the agent.',
};
