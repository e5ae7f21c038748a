import { z } from 'zod';

/** The size of a diff: changed files, added lines, removed lines. */
export const DiffStat = z.object({
  files: z.number().int().nonnegative(),
  insertions: z.number().int().nonnegative(),
  deletions: z.number().int().nonnegative(),
});
export type DiffStat = z.infer<typeof DiffStat>;

/** A commit hash, SHA-1 or SHA-256. */
export const Commit = z.string().regex(/^[0-9a-f]{40}([0-9a-f]{24})?$/, 'is not a commit hash');

/** The commit that work is compared with. */
export const BaseCommit = Commit.nullable().describe(
  'the commit that the work starts from, with which it is compared: of the base branch, or with a `work_branch` of ' +
    'that branch, as it was before the task. Null: the repository had no commit',
);
