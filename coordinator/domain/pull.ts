import { newId } from '../../protocol/ids.ts';
import {
  checksVerdict,
  isNewWork,
  type PullAuthor,
  type PullChecks,
  type PullRequest,
  type PullRequestState,
} from '../../protocol/pulls.ts';
import { isBranchOf } from './task.ts';

/** A pull request of a task, or one that is to be opened. Times are ISO. */
export type PullRow = {
  id: string;
  task_id: string;
  /** As the task names the repository. */
  repo_url: string;
  /** Of the forge, such as `https://github.com`. */
  origin: string;
  /** The forge's id of the repository, which outlives a rename. Null until it is opened, as the next four are. */
  repository_id: string | null;
  owner: string | null;
  name: string | null;
  number: number | null;
  url: string | null;
  title: string;
  state: PullRequestState;
  draft: boolean;
  /** In whose name it was opened; until then as wished. */
  author: PullAuthor;
  wished_author: PullAuthor;
  head_branch: string;
  /** The newest commit of the branch that is known. */
  head_commit: string;
  /** Null: the default branch. It is known once the pull request is opened. */
  base_branch: string | null;
  checks: PullChecks | null;
  /** Whether it conflicts with its base, as the forge has said last. */
  conflicts: boolean;
  /** How often a review or a failed check has sent the task back to work. */
  rounds: number;
  /** The commit that its text on the forge tells of. */
  told_commit: string | null;
  /** When it was asked for last: opening it is given up some time later. */
  wished_at: string;
  /** Why the last call of the forge failed, for people. */
  problem: string | null;
  /** How many calls in a row have failed. */
  failures: number;
  /** When the forge is asked next; null: never again by itself. */
  next_look_at: string | null;
  created_at: string;
  updated_at: string;
};

type Wish = Pick<PullRow, 'task_id' | 'repo_url' | 'title' | 'head_branch' | 'head_commit' | 'base_branch'> & {
  draft: boolean;
  author: PullAuthor;
};

/** A pull request that is to be opened at once. `at` is an ISO time. */
export function newPull({ author, ...wish }: Wish, at: string): PullRow {
  return {
    ...wish,
    id: newId(),
    origin: new URL(wish.repo_url).origin,
    repository_id: null,
    owner: null,
    name: null,
    number: null,
    url: null,
    state: 'opening',
    author,
    wished_author: author,
    checks: null,
    conflicts: false,
    rounds: 0,
    told_commit: null,
    wished_at: at,
    problem: null,
    failures: 0,
    next_look_at: at,
    created_at: at,
    updated_at: at,
  };
}

/**
 * Whether work that is pushed after a pull request has ended gets a new one by itself. Where a person has closed it,
 * they want none. A forge closes one itself when its branch is back at the base; a branch that a person named never is.
 */
export function getsNewPull(
  { state, ...pull }: Pick<PullRow, 'task_id' | 'state' | 'head_branch' | 'head_commit' | 'told_commit'>,
  { commit, base_commit }: { commit: string; base_commit: string | null },
): boolean {
  if (state === 'merged') return isNewWork(pull, commit);
  return state === 'closed' && isBranchOf(pull.task_id, pull.head_branch) && pull.head_commit === base_commit;
}

/** The pull request as clients see it. */
export function pullView(pull: PullRow): PullRequest {
  const { id, repo_url, number, url, title, state, draft, author, wished_author, checks, rounds, problem } = pull;
  const { created_at, updated_at } = pull;
  return {
    id,
    repo_url,
    repository: pull.owner === null || pull.name === null ? null : `${pull.owner}/${pull.name}`,
    number,
    url,
    title,
    state,
    draft,
    author,
    wished_author,
    head: { branch: pull.head_branch, commit: pull.head_commit },
    told_commit: pull.told_commit,
    base: pull.base_branch,
    checks,
    conflicts: pull.conflicts,
    rounds,
    problem,
    retry_at: problem === null ? null : pull.next_look_at,
    created_at,
    updated_at,
  };
}

/** Whether checks have failed that further work may mend. What a person has to do holds up and starts none. */
export function mayBeMended(checks: PullChecks | null): boolean {
  return checks !== null && checks.failed > (checks.needs_action ?? 0);
}

/**
 * The fields in which a person is to be told of a change; empty: in none. Of the checks they are told what they say
 * together, and of the first that further work may mend, not of each one that starts or passes.
 */
export function changedFields(before: PullRow, after: PullRow): string[] {
  const [old, now] = [toldOf(before), toldOf(after)];
  return Object.keys(now).filter((field) => JSON.stringify(now[field]) !== JSON.stringify(old[field]));
}

function toldOf(pull: PullRow): Record<string, unknown> {
  const { updated_at: _at, rounds: _rounds, retry_at: _retry, told_commit: _told, checks, ...view } = pullView(pull);
  return { ...view, checks: [checksVerdict(checks), mayBeMended(checks)] };
}
