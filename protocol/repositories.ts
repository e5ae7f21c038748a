import { z } from 'zod';
import { SCHEMA_WORDS } from './refusal-reasons.ts';
import { BaseCommit, Commit, DiffStat } from './change.ts';
import { Id } from './ids.ts';
import { LIMITS } from './limits.ts';
import { BRANCH_CHARS_MAX, isBranchName } from './without-schemas.ts';

/*
 * An errand may work in several repositories. The fields of a task, its assignment and its result are about the first
 * one; what is here is about the others. In each one the task has a branch of the same name.
 */

/** A branch name that git allows (git-check-ref-format) and that does not look like an option. */
export const BranchName = z
  .string()
  .min(1, { abort: true })
  .max(BRANCH_CHARS_MAX, { abort: true })
  .refine(isBranchName, SCHEMA_WORDS.not_branch);

/**
 * A repository's address as a person pastes it: with or without `https://`, with `#branch` behind it, a page of the
 * repository on its forge (`…/tree/main`, `…/pull/12`), or the ssh form. The server converts it into the http or https
 * URL that it clones from, and responds with that URL; or it refuses it and names the right form.
 */
export const RepoAddress = z.string().max(LIMITS.repo_address_chars_max);

/**
 * The short name of a repository, unique within its errand: the name of its folder in the workspace, and a segment of
 * its path at the git proxy. The first repository has one too, but its folder is `repo`.
 */
export const RepositoryKey = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,49}$/, 'is not the key of a repository: lower-case letters, digits, ".", "_", "-"');
export type RepositoryKey = z.infer<typeof RepositoryKey>;

/** The folders that a workspace has beside its repositories. No repository has one of them as its key. */
export const WORKSPACE_FOLDERS: readonly string[] = ['repo', 'git', 'gits', 'scratch', 'home', 'tmp', 'spool'];

/** A further repository of a new task, by its address or its project. */
export const RepositoryChoice = z
  .strictObject({
    repo_url: RepoAddress.optional(),
    project_id: Id.optional(),
    base_branch: BranchName.optional().describe(
      'by default the branch in the link of repo_url, or that of the project',
    ),
    work_branch: BranchName.optional().describe('a branch of this repository to work on and push to, as for the first'),
  })
  .superRefine(({ repo_url, project_id }, ctx) => {
    if (repo_url === undefined && project_id === undefined)
      ctx.addIssue({ code: 'custom', path: ['repo_url'], message: 'or project_id is required' });
    if (repo_url !== undefined && project_id !== undefined)
      ctx.addIssue({ code: 'custom', path: ['repo_url'], message: 'and project_id cannot both be given' });
  });
export type RepositoryChoice = z.infer<typeof RepositoryChoice>;

/** The further repositories of an errand, each another one. */
export const FurtherRepositories = z.array(RepositoryChoice).max(LIMITS.repositories_max - 1);

/** One of the repositories of a task. */
export const TaskRepository = z.object({
  key: RepositoryKey,
  repo_url: z.string(),
  project_id: Id.nullable().describe('whose credential git uses there; null: of no project'),
  base_branch: z.string().nullable().describe('null: the default branch'),
  work_branch: z.string().nullable().describe('the branch that you named for the work; null: one of its own'),
  branch: z.string().nullable().describe('the branch that was pushed; null: nothing was pushed there'),
  commit: Commit.nullable().describe('null: the branch has no result yet'),
  base_commit: BaseCommit,
  diff_stat: DiffStat.nullable().describe('null: there is no result yet'),
});
export type TaskRepository = z.infer<typeof TaskRepository>;

/**
 * A further repository of an assignment. Its git address is that of the first with `/<key>` behind it. The worker
 * clones it to the folder `key` of the workspace, beside `repo`, and pushes its work to the assignment's `branch`.
 */
export const AssignedRepository = z.object({
  key: RepositoryKey,
  repo_url: z.string(),
  base_branch: z.string().nullable(),
  work_branch: BranchName.optional(),
  approved_commit: Commit.nullable().optional(),
});
export type AssignedRepository = z.infer<typeof AssignedRepository>;

/** What a worker did in a further repository. The fields mean what those of the result mean for the first. */
export const RepositoryResult = z.strictObject({
  key: RepositoryKey,
  branch: BranchName.nullable(),
  commit: Commit.nullable(),
  held_commit: Commit.optional(),
  base_commit: BaseCommit,
  diff_stat: DiffStat,
  diff: z.string(),
  diff_truncated: z.boolean(),
});
export type RepositoryResult = z.infer<typeof RepositoryResult>;

/** Work in a further repository that waits for approval. */
export const HeldRepository = z.object({ key: RepositoryKey, commit: Commit, diff_stat: DiffStat });
export type HeldRepository = z.infer<typeof HeldRepository>;

/** Which diff of a task is meant, and how much of what did not change it has. */
export const DiffQuery = z.strictObject({
  repository: RepositoryKey.optional().describe('the key of one of its repositories; absent: the first'),
  context: z
    .enum(['3', 'all'])
    .default('3')
    .describe('how many unchanged lines it has around each change; all: as many as are kept, often the whole file'),
});
