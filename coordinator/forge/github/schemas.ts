import { z } from 'zod';
import { answerJob } from '../answer-job.ts';
import type {
  Check,
  EditablePull,
  ForgeComment,
  ForgePerson,
  ForgeRepositoryInfo,
  Pull,
  RepositoryName,
} from '../forge.ts';
import { cleanText, Id, Line, RawText, Text, WebAddress } from '../forge-text.ts';
import { issueComment } from '../issue-comment.ts';
import { allowedMethods, permissionFrom, Permissions } from '../repository-api.ts';
import { reviewTextId } from '../review-text.ts';

/*
 * What Errand reads of GitHub's answers and webhooks, each as the forge interface has it. Fields that are not named
 * here are not looked at.
 */

const HERE = 'coordinator/forge/github/schemas.ts';

/** A deleted account is shown as this one. */
const GHOST: ForgePerson = { id: '10137', login: 'ghost', name: null, email: null, bot: false };

/** An account. */
export const Account = z
  .object({
    id: Id,
    login: Line,
    name: Line.nullish(),
    email: Line.nullish(),
    type: z.string().optional(),
  })
  .transform(({ id, login, name = null, email = null, type }): ForgePerson => {
    return { id, login, name, email, bot: type === 'Bot' };
  });
export const ACCOUNT = answerJob(HERE, 'ACCOUNT', Account);

/** Who wrote something. */
export const User = Account.nullable().transform((user) => user ?? GHOST);

const RepositoryRef = z
  .object({ name: Line, owner: z.object({ login: Line }) })
  .transform(({ name, owner }): RepositoryName => ({ owner: owner.login, name }));

export const Repository = z
  .object({
    id: Id,
    name: Line,
    owner: z.object({ login: Line }),
    clone_url: WebAddress,
    default_branch: Line,
    private: z.boolean(),
    pushed_at: z.string().nullish(),
    permissions: Permissions.optional(),
    // Only those who may write there are told.
    allow_merge_commit: z.boolean().default(true),
    allow_squash_merge: z.boolean().default(true),
    allow_rebase_merge: z.boolean().default(true),
  })
  .transform(({ owner, permissions, pushed_at, ...repository }): ForgeRepositoryInfo => {
    const { allow_merge_commit, allow_squash_merge, allow_rebase_merge, ...rest } = repository;
    const merge_methods = allowedMethods('merge', {
      merge: allow_merge_commit,
      squash: allow_squash_merge,
      rebase: allow_rebase_merge,
    });
    const permission = permissionFrom(permissions);
    return { ...rest, owner: owner.login, pushed_at: pushed_at ?? null, permission, merge_methods };
  });

export const IssueComment = issueComment(User);
export const ISSUE_COMMENT = answerJob(HERE, 'ISSUE_COMMENT', IssueComment);

/** The ids of these comments are counted apart from those of other comments. */
const REVIEW_COMMENT = 'review-';

/** Where a comment is found in the API, by its id. */
export function commentPath(id: string): ['pulls' | 'issues', 'comments', string] {
  return id.startsWith(REVIEW_COMMENT)
    ? ['pulls', 'comments', id.slice(REVIEW_COMMENT.length)]
    : ['issues', 'comments', id];
}

export const ReviewComment = z
  .object({
    id: Id,
    user: User,
    body: Text,
    created_at: z.string(),
    html_url: WebAddress,
    path: Line,
    line: z.int().nullish(),
    start_line: z.int().nullish(),
    side: z.string().nullish(),
    start_side: z.string().nullish(),
    diff_hunk: Text,
    in_reply_to_id: Id.optional(),
    pull_request_review_id: Id.nullish(),
  })
  .transform((comment): ForgeComment => {
    const { id, user: author, body, created_at, html_url: url, path, line, side, start_side, diff_hunk } = comment;
    const thread_id = comment.in_reply_to_id ?? id;
    // From one side to the other: the two numbers are of different files.
    const start_line = (start_side ?? side) === side ? (comment.start_line ?? null) : null;
    const lines = { line: line ?? null, start_line, is_before: side === 'LEFT' };
    const place = { path, ...lines, diff_hunk };
    const review = { ...place, thread_id, review_id: comment.pull_request_review_id ?? null };
    return { id: REVIEW_COMMENT + id, author, body, created_at, url, review };
  });

/** What a review says as a whole. */
export const ReviewText = z
  .object({ id: Id, user: User, body: Text, submitted_at: z.string().nullish(), html_url: WebAddress })
  .transform(({ id, user, body, submitted_at, html_url }): ForgeComment => {
    return { id: reviewTextId(id), author: user, body, created_at: submitted_at ?? '', url: html_url, review: null };
  });

const Label = z.union([Line, z.object({ name: Line.nullish() }).transform(({ name }) => name ?? '')]);

export const Issue = z
  .object({
    number: z.int(),
    title: Line,
    body: Text,
    user: User,
    state: z.string(),
    labels: z.array(Label),
    html_url: WebAddress,
    comments: z.int(),
    created_at: z.string(),
    updated_at: z.string(),
    repository_url: WebAddress,
    pull_request: z.looseObject({}).nullish(),
  })
  .transform(({ user, state, html_url, pull_request, comments, ...rest }) => ({
    ...rest,
    author: user,
    state: state === 'closed' ? ('closed' as const) : ('open' as const),
    url: html_url,
    comment_count: comments,
    is_pull: Boolean(pull_request),
  }));

const Side = z.object({ ref: Line, sha: Line, repo: RepositoryRef.nullable() });

const PullFields = z.object({
  number: z.int(),
  html_url: WebAddress,
  title: Line,
  body: Text,
  state: z.enum(['open', 'closed']),
  draft: z.boolean().optional(),
  merged_at: z.string().nullish(),
  user: User,
  head: Side,
  base: Side,
  mergeable: z.boolean().nullish(),
});

/** A pull request, with the id that the GraphQL API knows it by. */
export const PullWithNode = PullFields.extend({ node_id: z.string().max(200) }).transform((pull) => ({
  node_id: pull.node_id,
  pull: toPull(pull),
}));

export const PullRequest = PullFields.transform(toPull);

export const EditablePullRequest = PullFields.extend({ body: RawText }).transform((pull): EditablePull => {
  return { ...toPull({ ...pull, body: cleanText(pull.body) }), raw_body: pull.body };
});

function toPull(pull: z.output<typeof PullFields>): Pull {
  const { number, title, body, user: author, html_url: url, merged_at, head, base } = pull;
  return {
    number,
    url,
    title,
    body,
    author,
    state: merged_at ? 'merged' : pull.state,
    draft: pull.draft ?? false,
    head: { branch: head.ref, commit: head.sha, repository: head.repo },
    base: { branch: base.ref, commit: base.sha, repository: base.repo },
    conflicts: pull.mergeable === undefined || pull.mergeable === null ? null : !pull.mergeable,
  };
}

export const CheckRun = z
  .object({
    id: Id,
    name: Line,
    head_sha: Line,
    status: z.string(),
    conclusion: z.string().nullable(),
    html_url: WebAddress,
    details_url: WebAddress,
    started_at: z.string().nullish(),
    completed_at: z.string().nullish(),
    check_suite: z.looseObject({ id: Id.nullish(), head_branch: Line.nullish() }).nullish(),
    app: z.object({ slug: z.string().nullish() }).nullish(),
  })
  .transform(({ id, name, status, conclusion, html_url, details_url, app, ...rest }) => {
    // A job of GitHub Actions has the id of its check run; other programs keep their logs themselves.
    const is_job = app?.slug === 'github-actions';
    const url = html_url || details_url || null;
    const state = runState(status, conclusion, is_job ? 'waiting' : DCO.test(name) ? 'failed' : 'needs_action');
    const check: Check = { id, name, url, state, log_id: is_job ? id : null };
    return {
      check,
      commit: rest.head_sha,
      branch: rest.check_suite?.head_branch ?? null,
      at: rest.completed_at ?? null,
      started_at: rest.started_at ?? null,
      suite: rest.check_suite?.id ?? id,
      is_job,
      app: app?.slug ?? null,
    };
  });

/** What asks for a sign-off of the commits: the one required action that a commit can bring. */
const DCO = /^dco\b/i;

/** `action_required`: what that is. A job of GitHub Actions waits for an approval, and other programs for anything. */
function runState(status: string, conclusion: string | null, action_required: Check['state']): Check['state'] {
  if (status !== 'completed') return 'running';
  switch (conclusion) {
    case 'success':
    case 'neutral':
      return 'passed';
    case 'failure':
    case 'timed_out':
    case 'startup_failure':
      return 'failed';
    case 'action_required':
      return action_required;
    case 'cancelled':
    case 'stale':
      return 'cancelled';
    default:
      return 'skipped';
  }
}

/** A job of GitHub Actions, which is a check run too, with the same id. */
export const Job = z
  .object({
    id: Id,
    name: Line,
    status: z.string(),
    conclusion: z.string().nullable(),
    started_at: z.string().nullish(),
    html_url: WebAddress.nullable(),
  })
  .transform(({ id, name, status, conclusion, started_at, html_url }) => {
    const check: Check = {
      id,
      name,
      url: html_url || null,
      state: runState(status, conclusion, 'waiting'),
      log_id: id,
    };
    return { check, started_at: started_at ?? null };
  });

/** A run of a workflow of GitHub Actions. */
export const WorkflowRun = z
  .object({ id: Id, check_suite_id: Id.nullish(), workflow_id: Id, event: z.string() })
  .transform(({ id, check_suite_id, workflow_id, event }) => {
    return { id, suite: check_suite_id ?? null, source: `${workflow_id} ${event}` };
  });

/** What a program outside of GitHub says of a commit. */
export const StatusFields = { id: Id, context: Line, state: z.string(), target_url: WebAddress };
