import { LIMITS } from '../../protocol/limits.ts';
import { ErrandError } from '../../protocol/problem.ts';
import type { ResultPost } from '../../protocol/worker-schemas.ts';
import { invalid } from './validate-events.ts';

/** Checks what the schema of a result cannot. Throws `invalid` or `too_large`, naming the field. */
export function checkResult(result: ResultPost): void {
  if ((result.status === 'failed') !== (result.reason !== null))
    throw invalid('/reason', 'is required with the status failed, and must be null with any other');
  const diffs = [result, ...(result.repositories ?? [])].map(({ diff }) => Buffer.byteLength(diff));
  if (diffs.reduce((sum, bytes) => sum + bytes) > LIMITS.diff_bytes_max)
    throw new ErrandError('too_large', `The diff is longer than ${LIMITS.diff_bytes_max} bytes.`, {
      errors: [{ field: '/diff', message: `is longer than ${LIMITS.diff_bytes_max} bytes` }],
    });
}
