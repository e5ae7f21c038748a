import type { GitDependencies } from '../../coordinator/worker-api/git/git-proxy.ts';

type Restrictions = 'workBranch' | 'protection' | 'pushed' | 'approval' | 'uploadApproval' | 'noteUse';

/** For a git proxy whose tasks push to their own branches alone, and wait for nobody. */
export const UNRESTRICTED: Pick<GitDependencies, Restrictions> = {
  workBranch: () => null,
  protection: () => Promise.resolve(null),
  pushed: { toKeep: () => [], add: () => [], keep: () => undefined, remove: () => undefined },
  approval: () => null,
  uploadApproval: () => null,
  noteUse: () => undefined,
};
