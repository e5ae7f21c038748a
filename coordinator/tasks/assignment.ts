import { ErrandError } from '../../protocol/problem.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { CONTRACT_VERSION, type Assignment, type TranscriptEvent } from '../../protocol/worker.ts';
import { findAttempt, listAttempts } from '../sqlite/attempts.ts';
import type { Db } from '../sqlite/database.ts';
import { listPendingMessages } from '../sqlite/messages.ts';
import { findTask } from '../sqlite/tasks.ts';
import { listTranscript } from '../sqlite/transcript.ts';
import { branchPrefix, type TaskRow } from '../domain/task.ts';

/** What a task takes from its project, or from the server's defaults where it has none. */
export type TaskSettings = Pick<Assignment, 'setup_command' | 'verify_command' | 'env' | 'egress' | 'author'>;

export type AssignmentDeps = {
  db: Db;
  settings: (task: TaskRow) => TaskSettings;
  /** A new task token for this attempt. */
  issueToken: (task_id: string, attempt: number) => Promise<string>;
  time_limit_ms: number;
  pace: Pace;
};

/** How often a worker calls at least, and after how long a silence it is lost. */
export type Pace = Pick<Assignment, 'heartbeat_ms' | 'lease_ms'>;

/** What a worker may keep on disk of events that were not acknowledged. */
const SPOOL_BYTES_MAX = 64 * 1024 * 1024;

/**
 * All that a worker needs to begin this attempt, from the rows as they stand now. Throws `not_found` where there is no such attempt, and
 * `too_large` where the transcript has outgrown what a worker takes.
 */
export async function buildAssignment(deps: AssignmentDeps, task_id: string, n: number): Promise<Assignment> {
  // The token comes first: what follows is one look at the rows.
  const token = await deps.issueToken(task_id, n);
  const task = findTask(deps.db, task_id);
  if (!task || !findAttempt(deps.db, task_id, n)) throw new ErrandError('not_found', 'There is no such attempt.');
  const known = listAttempts(deps.db, task_id).findLast((attempt) => attempt.n <= n && attempt.last_seq > 0);
  return {
    contract_version: CONTRACT_VERSION,
    task_id,
    attempt: n,
    token,
    prompt: task.prompt,
    title: task.title,
    base_branch: task.base_branch,
    branch: task.branch,
    branch_prefix: branchPrefix(task_id),
    repo_url: task.repo_url,
    model: task.model,
    max_turns: task.max_turns,
    budget_usd: task.budget_usd,
    spent_usd: task.usage.cost_usd,
    time_limit_ms: deps.time_limit_ms,
    ...deps.settings(task),
    heartbeat_ms: deps.pace.heartbeat_ms,
    lease_ms: deps.pace.lease_ms,
    spool_bytes_max: SPOOL_BYTES_MAX,
    transcript: readTranscript(deps.db, task_id, n),
    ...(known && { known: { attempt: known.n, last_seq: known.last_seq } }),
    messages: listPendingMessages(deps.db, task_id),
  };
}

function readTranscript(db: Db, task_id: string, n: number): TranscriptEvent[] {
  const rows = listTranscript(db, task_id, n);
  const size = rows.reduce((sum, row) => sum + row.body.length, 0);
  if (size > LIMITS.assignment_bytes_max / 2)
    throw new ErrandError('too_large', "The task's conversation has grown too long to go on with: start another task.");
  return rows.map(({ attempt, type, body }) => ({ attempt, type, body: JSON.parse(body) }));
}
