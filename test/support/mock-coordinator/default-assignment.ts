import { newId } from '../../../protocol/ids.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { CONTRACT_VERSION } from '../../../protocol/worker.ts';
import type { Assignment } from '../../../protocol/worker-schemas.ts';

/** What stays the same in each attempt of a task. */
export type TaskAssignment = Omit<Assignment, 'attempt' | 'token' | 'transcript' | 'messages' | 'known'>;

/** The assignment of a task, with what is given in place of the defaults. */
export function withDefaults(given: Partial<Assignment>): TaskAssignment {
  const task_id = given.task_id ?? newId();
  const branch_prefix = `errand/${task_id}-`;
  return {
    contract_version: CONTRACT_VERSION,
    task_id,
    prompt: 'Do it.',
    title: 'Do it.',
    base_branch: null,
    branch: `${branch_prefix}do-it`,
    branch_prefix,
    repo_url: 'https://forge.test/owner/name',
    model: 'claude-sonnet-5-5',
    max_turns: 50,
    budget_usd: 5,
    spent_usd: 0,
    time_limit_ms: 3_600_000,
    setup_command: null,
    verify_command: null,
    env: {},
    author: { name: 'Errand', email: 'errand@localhost' },
    egress: 'none',
    heartbeat_ms: LIMITS.heartbeat_ms,
    lease_ms: LIMITS.lease_ms,
    spool_bytes_max: 16 * 1024 * 1024,
    ...given,
  };
}
