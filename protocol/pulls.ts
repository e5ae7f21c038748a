import { z } from 'zod';
import { Commit } from './change.ts';
import { Id, Time } from './ids.ts';
import { RepositoryKey } from './repositories.ts';
import { PULL_AUTHORS, PULL_REQUESTS } from './without-schemas.ts';

export { checksVerdict, isNewWork } from './without-schemas.ts';

/** Whether the errands of a project open a pull request when they have succeeded, and of which kind. */
export const PullRequests = z.enum(PULL_REQUESTS);
export type PullRequests = z.infer<typeof PullRequests>;

/**
 * In whose name a pull request is opened. `app`: the server's own app, so that the person can review and approve it.
 * Where the app is not installed it is opened as the person all the same.
 */
export const PullAuthor = z.enum(PULL_AUTHORS);
export type PullAuthor = z.infer<typeof PullAuthor>;

/**
 * The state of a pull request. `opening`: the forge has not opened it yet; that is retried. `failed`: it was not
 * opened, and is not retried by itself. `merged` and `closed` are as on the forge, where it may be reopened.
 */
export const PullRequestState = z.enum(['opening', 'open', 'merged', 'closed', 'failed']);
export type PullRequestState = z.infer<typeof PullRequestState>;

/**
 * The checks of the newest commit of a pull request: how many of those that were read are in each state. Skipped ones
 * do not count.
 */
export const PullChecks = z.object({
  running: z.number().int().nonnegative(),
  passed: z.number().int().nonnegative(),
  failed: z.number().int().nonnegative(),
  needs_action: z
    .number()
    .int()
    .nonnegative()
    .optional()
    .describe('how many of `failed` wait for a person. Absent in older events'),
  cancelled: z.number().int().nonnegative().optional().describe('came to no end. Absent in older events: `failed`'),
  failed_names: z.array(z.string()).describe('the names of some that failed, or were cancelled'),
  failed_states: z
    .array(z.enum(['failed', 'needs_action', 'cancelled']))
    .optional()
    .describe('for each of those names how it ended. `needs_action`: it waits for a person. Absent in older events'),
  failed_urls: z
    .array(z.string().nullable())
    .optional()
    .describe('for each of those names the page that shows its log; null: it has none. Absent in older events'),
});
export type PullChecks = z.infer<typeof PullChecks>;

/**
 * A pull request of a task, or one that is being opened. A task has one for each repository at most, if none was
 * closed.
 */
export const PullRequest = z.object({
  id: Id,
  repo_url: z.string(),
  repository: z.string().nullable().describe('owner/name; null: it is not opened yet'),
  number: z.number().int().positive().nullable().describe('null: it is not opened yet'),
  url: z.string().nullable().describe('its page on the forge; null: it is not opened yet'),
  title: z.string(),
  state: PullRequestState,
  draft: z.boolean(),
  author: PullAuthor,
  wished_author: PullAuthor.describe('another than `author`: the app is not installed at the repository'),
  head: z.object({ branch: z.string(), commit: Commit }),
  told_commit: Commit.nullable()
    .optional()
    .describe('the newest commit of the errand that its text tells of; null: none yet. Absent in older events'),
  base: z.string().nullable().describe('null: the default branch, until it is opened'),
  checks: PullChecks.nullable().describe(
    'null: the forge was not asked yet, the errand is at work on it, or there are more than are read and all of ' +
      'those have passed',
  ),
  conflicts: z
    .boolean()
    .optional()
    .describe('whether it conflicts with its base: checks may not run until that is merged. Absent in older events'),
  rounds: z
    .number()
    .int()
    .nonnegative()
    .describe('how often a review or a failed check has sent the task back to work'),
  problem: z.string().nullable().describe('why the forge could not be asked last, or opened nothing, for people'),
  retry_at: Time.nullable().describe('when that is tried again; null: no problem, or not by itself'),
  created_at: Time,
  updated_at: Time,
});
export type PullRequest = z.infer<typeof PullRequest>;

/**
 * How a pull request is merged. `merge`: by a merge commit. `squash`: as one commit. `rebase`: its commits are made
 * anew on top of the base; `rebase-merge`: and joined by a merge commit. `fast-forward-only`: the base moves to the
 * head.
 */
export const MergeMethod = z.enum(['merge', 'squash', 'rebase', 'rebase-merge', 'fast-forward-only']);
export type MergeMethod = z.infer<typeof MergeMethod>;

/**
 * Opens the pull requests of a task, one in each repository that has none. `repository`: in this one alone, by its key.
 * Absent fields are as the repository's project says, or the first repository's if it is of none; without a project
 * ready, as the app.
 */
export const PullCreate = z
  .strictObject({ draft: z.boolean(), author: PullAuthor, repository: RepositoryKey })
  .partial()
  .default({});
export type PullCreate = z.infer<typeof PullCreate>;

/** Names a pull request of a task. */
export const ByRepository = z.strictObject({
  repository: RepositoryKey.optional().describe('its key; absent: the only one that has a pull request'),
});

/** How a pull request may be merged. */
export const MergeMethods = z.object({
  methods: z.array(MergeMethod).describe('those that its repository allows, the default first'),
});
export type MergeMethods = z.infer<typeof MergeMethods>;

/** Marks a pull request as ready for review. */
export const PullReady = ByRepository.extend({
  commit: Commit.describe('its head as the person has seen it'),
  base: z
    .string()
    .optional()
    .describe('the branch that it goes into, as the person has seen it; absent: the one that the server knew last'),
});
export type PullReady = z.infer<typeof PullReady>;

/** Merges a pull request. */
export const PullMerge = PullReady.extend({
  method: MergeMethod.optional().describe('absent: the default of its repository'),
});
export type PullMerge = z.infer<typeof PullMerge>;
