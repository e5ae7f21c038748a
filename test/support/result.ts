import type { ResultPost } from '../../protocol/worker-schemas.ts';

/** A successful result with nothing to push. */
export const SUCCEEDED = {
  status: 'succeeded',
  reason: null,
  detail: null,
  summary: 'Done.',
  branch: null,
  commit: null,
  base_commit: null,
  diff_stat: { files: 0, insertions: 0, deletions: 0 },
  diff: '',
  diff_truncated: false,
} as const satisfies Omit<ResultPost, 'attempt' | 'last_seq'>;
