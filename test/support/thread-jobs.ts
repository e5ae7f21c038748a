import { isMainThread } from 'node:worker_threads';
import { ErrandError } from '../../protocol/problem.ts';

/* Functions for the threads of a pool to run. */

export const MODULE = import.meta.url;

export function measure(bytes: Buffer, mark: string) {
  return { bytes: bytes.length, is_main: isMainThread, mark };
}

export function refuse(_bytes: Buffer): void {
  throw new ErrandError('invalid', 'no', { errors: [{ field: '/a', message: 'is wrong' }] });
}

export function fail(_bytes: Buffer): void {
  throw new RangeError('a bug');
}

export function spin(_bytes: Buffer): void {
  for (;;);
}

export function fill(_bytes: Buffer): number {
  const kept: number[][] = [];
  while (kept.length < 1e6) kept.push(Array.from({ length: 10_000 }, (_, i) => i + 0.5));
  return kept.length;
}
