import { z } from 'zod';
import { answerJob } from '../answer-job.ts';
import type { EditablePull, ForgePerson, ForgeRepositoryInfo, Pull } from '../forge.ts';
import { cleanText, Id, Line, RawText, Text, WebAddress } from '../forge-text.ts';
import { issueComment } from '../issue-comment.ts';
import { allowedMethods, permissionFrom, Permissions } from '../repository-api.ts';

/* What Errand reads of the answers and webhooks of Gitea and Forgejo, each as the forge interface has it. */

const HERE = 'coordinator/forge/gitea/schemas.ts';

const GHOST: ForgePerson = { id: '-1', login: 'Ghost', name: null, email: null, bot: false };

/** Gitea does not say who is a bot: its own programs have ids below zero, others are named like one. */
function isBot(id: string, login: string): boolean {
  return id.startsWith('-') || /(?:^|[-_.[])(?:bot|robot|renovate|dependabot|actions)\]?$/i.test(login);
}

/** An account. */
export const Account = z
  .object({ id: Id, login: Line, full_name: Line.optional(), email: Line.optional() })
  .transform(({ id, login, full_name, email }): ForgePerson => {
    return { id, login, name: full_name || null, email: email || null, bot: isBot(id, login) };
  });
export const ACCOUNT = answerJob(HERE, 'ACCOUNT', Account);

/** Who wrote something. */
export const User = Account.nullable().transform((user) => user ?? GHOST);

export const Repository = z
  .object({
    id: Id,
    name: Line,
    owner: z.object({ login: Line }),
    clone_url: WebAddress,
    default_branch: Line,
    private: z.boolean(),
    updated_at: z.string().nullish(),
    permissions: Permissions.nullish(),
    default_merge_style: z.string().optional(),
    allow_merge_commits: z.boolean().default(false),
    allow_squash_merge: z.boolean().default(false),
    allow_rebase: z.boolean().default(false),
    allow_rebase_explicit: z.boolean().default(false),
    // Since 1.22.
    allow_fast_forward_only_merge: z.boolean().default(false),
  })
  .transform(({ owner, permissions, updated_at, ...repository }): ForgeRepositoryInfo => {
    const { default_merge_style = 'merge', allow_merge_commits, allow_squash_merge, ...others } = repository;
    const { allow_rebase, allow_rebase_explicit, allow_fast_forward_only_merge, ...rest } = others;
    const merge_methods = allowedMethods(default_merge_style, {
      merge: allow_merge_commits,
      squash: allow_squash_merge,
      rebase: allow_rebase,
      'rebase-merge': allow_rebase_explicit,
      'fast-forward-only': allow_fast_forward_only_merge,
    });
    const permission = permissionFrom(permissions);
    return { ...rest, owner: owner.login, pushed_at: updated_at ?? null, permission, merge_methods };
  });

export const IssueComment = issueComment(User);
export const ISSUE_COMMENT = answerJob(HERE, 'ISSUE_COMMENT', IssueComment);

/** A comment on a line. Those on one line of one file are one thread, which `inThreads` finds. */
export const ReviewComment = z
  .object({
    id: Id,
    user: User,
    body: Text,
    created_at: z.string(),
    html_url: WebAddress,
    path: Line,
    position: z.int().nullish(),
    diff_hunk: Text,
    pull_request_review_id: Id.nullish(),
  })
  .transform(({ id, user: author, body, created_at, html_url: url, path, position, diff_hunk, ...rest }) => {
    // A comment on a line that the change removed has the position 0.
    const place = { path, line: position || null, start_line: null, is_before: false, diff_hunk };
    const review = { ...place, thread_id: id, review_id: rest.pull_request_review_id ?? null };
    return { id, author, body, created_at, url, review };
  });

export const Issue = z
  .object({
    number: z.int(),
    title: Line,
    body: Text,
    user: User,
    state: z.string(),
    labels: z.array(z.object({ name: Line })).nullish(),
    html_url: WebAddress,
    created_at: z.string(),
    updated_at: z.string(),
    pull_request: z.looseObject({}).nullish(),
  })
  .transform(({ user, state, html_url, pull_request, labels, ...rest }) => ({
    ...rest,
    author: user,
    state: state === 'closed' ? ('closed' as const) : ('open' as const),
    labels: (labels ?? []).map(({ name }) => name),
    url: html_url,
    is_pull: Boolean(pull_request),
  }));

/** A draft is a pull request whose title begins with this. */
export const DRAFT_PREFIX = 'WIP: ';
const DRAFT = /^\s*(?:wip:|\[wip\])\s*/i;

const Side = z.object({
  ref: Line,
  sha: Line,
  repo: z.object({ name: Line, owner: z.object({ login: Line }) }).nullish(),
});

function sideOf({ ref, sha, repo }: z.output<typeof Side>): Pull['head'] {
  return { branch: ref, commit: sha, repository: repo ? { owner: repo.owner.login, name: repo.name } : null };
}

const PullFields = z.object({
  number: z.int(),
  html_url: WebAddress,
  title: Line,
  body: Text,
  state: z.enum(['open', 'closed']),
  merged: z.boolean(),
  user: User,
  head: Side,
  base: Side,
  mergeable: z.boolean().nullish(),
});

export const PullRequest = PullFields.transform(toPull);

export const EditablePullRequest = PullFields.extend({ body: RawText }).transform((pull): EditablePull => {
  return { ...toPull({ ...pull, body: cleanText(pull.body) }), raw_body: pull.body };
});

function toPull(pull: z.output<typeof PullFields>): Pull {
  const { number, title, body, user: author, html_url: url, merged, head, base, ...rest } = pull;
  const is_draft = DRAFT.test(title);
  return {
    number,
    url,
    title: title.replace(DRAFT, ''),
    body,
    author,
    state: merged ? 'merged' : rest.state,
    draft: is_draft,
    head: sideOf(head),
    base: sideOf(base),
    // Gitea calls no draft mergeable, whether it conflicts or not.
    conflicts: rest.mergeable === false && !is_draft,
  };
}
