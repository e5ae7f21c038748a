/*
 * What an app needs of the protocol to draw and to ask, before it has built the schemas: this imports none. What the
 * members of a set mean stands at the schema of its name.
 */

/** `TaskStatus` in task.ts. */
export const TASK_STATUSES = [
  'queued',
  'starting',
  'running',
  'waiting',
  'parked',
  'succeeded',
  'failed',
  'cancelled',
] as const;
type Status = (typeof TASK_STATUSES)[number];
/** `Effort` in task.ts. */
export const EFFORTS = ['low', 'medium', 'high', 'xhigh', 'max'] as const;
export const BRANCH_CHARS_MAX = 200;
/** `Egress` in api.ts. */
export const EGRESS = ['none', 'registries', 'list', 'open'] as const;
/** `Occasion` in notifications.ts. */
export const OCCASIONS = ['needs_you', 'done', 'failed', 'limit'] as const;
/** `PullRequests` in pulls.ts. */
export const PULL_REQUESTS = ['none', 'draft', 'ready'] as const;
/** `PullAuthor` in pulls.ts. */
export const PULL_AUTHORS = ['person', 'app'] as const;

/** Whether git allows a name for a branch (git-check-ref-format), and it does not look like an option. */
export function isBranchName(name: string): boolean {
  return (
    name.length <= BRANCH_CHARS_MAX &&
    /^[^\p{Cc}]+$/u.test(name) &&
    !/[\s~^:?*[\\]|\.\.|@\{|\/\/|\.lock(\/|$)|(^|\/)\.|\/$|\.$|^\/|^-|^@$/.test(name) &&
    !name.startsWith('refs/')
  );
}

/** Which of a set a text names; undefined: none. */
export function chosen<T extends string>(set: readonly T[], text: unknown): T | undefined {
  return set.find((each) => each === text);
}

/** Whether a task in this status has ended: nothing happens until a person acts. */
export function isEnded(status: Status): boolean {
  return status === 'succeeded' || status === 'failed' || status === 'cancelled';
}

/** Whether a task needs its person: the agent asks, or the budget is spent. */
export function needsYou({ status, reason }: { status: Status; reason: string | null }): boolean {
  return status === 'waiting' || status === 'parked' || (status === 'failed' && reason === 'budget_exhausted');
}

/** The open decisions of a task. */
export function openNeeds<Need>({ needs = [] }: { needs?: Need[] | undefined }): Need[] {
  return needs;
}

/**
 * What the checks say together: `failed` as soon as one has. `cancelled`: one has not passed, and none failed. `none`:
 * there is none, or the forge was not asked yet.
 */
export function checksVerdict(
  checks: { failed: number; running: number; passed: number; cancelled?: number | undefined } | null,
): 'none' | 'running' | 'passed' | 'cancelled' | 'failed' {
  if (checks === null) return 'none';
  if (checks.failed > 0) return 'failed';
  if (checks.running > 0) return 'running';
  if (checks.cancelled !== undefined && checks.cancelled > 0) return 'cancelled';
  return checks.passed > 0 ? 'passed' : 'none';
}

/**
 * Whether a pushed commit is one that a pull request has never had, as far as is known: it was pushed after the end.
 * `told_commit`: the one of the errand that its text tells of; others may have pushed to the branch since.
 */
export function isNewWork(
  { head_commit, told_commit }: { head_commit: string; told_commit?: string | null | undefined },
  commit: string,
): boolean {
  return commit !== head_commit && commit !== told_commit;
}

/**
 * The sample repository that ships with Errand: a small project with one failing test. The server creates the
 * repository at first use.
 */
export const SAMPLE_REPO_URL = 'errand://sample';

/** The highest budget of a task, in US dollars. */
export const BUDGET_USD_MAX = 1000;
