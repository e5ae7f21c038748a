import { isMainThread } from 'node:worker_threads';
import { job } from '../../coordinator/base/threads.ts';
import { ErrandError } from '../../protocol/problem.ts';

/* Jobs for the threads of a pool. */

const here = 'test/support/thread-jobs.ts';

export const measure = job(here, 'measure', (bytes: Buffer, mark: string) => {
  return { bytes: bytes.length, is_main: isMainThread, mark };
});

export const refuse = job(here, 'refuse', () => {
  throw new ErrandError('invalid', 'no', { errors: [{ field: '/a', message: 'is wrong' }] });
});

export const fail = job(here, 'fail', () => {
  throw new RangeError('a bug');
});

export const spin = job(here, 'spin', () => {
  for (;;);
});

export const fill = job(here, 'fill', () => {
  const kept: number[][] = [];
  while (kept.length < 1e6) kept.push(Array.from({ length: 10_000 }, (_, i) => i + 0.5));
  return kept.length;
});

/** Takes time, and next to no CPU time. */
export const doze = job(here, 'doze', (_bytes: Buffer, ms: number) => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  return 'awake';
});
