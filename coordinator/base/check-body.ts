import { shapeFault, type ShapeLimits } from '../../protocol/json-shape.ts';
import type { Job, Payer, ThreadPool } from './threads.ts';

/**
 * A body with more than this is checked in another thread. Below it that takes a few milliseconds at most, and the way
 * to the thread and back would cost more than it saves.
 */
const INLINE_BYTES_MAX = 128 * 1024;
const INLINE_SHAPE: ShapeLimits = { depth_max: 200, nodes_max: 10_000, elements_max: 10_000, keys_max: 1_000 };
/** To check a body of this size takes less time than to measure that. Its bytes alone are charged. */
const UNTIMED_BYTES_MAX = 2 * 1024;

/** Passes a body to a job. Resolves with the result, and with the body, which may have moved. */
export type RunJob = <A extends unknown[], T>(
  bytes: Buffer,
  job: Job<A, T>,
  ...args: A
) => Promise<{ value: T; bytes: Buffer }>;

/** Passes bodies of JSON to jobs, in another thread if they are large. Rejects as the job and the threads do. */
export function checkWith(threads: ThreadPool, payer: Payer): RunJob {
  return async (bytes, job, ...args) => {
    if (bytes.length > UNTIMED_BYTES_MAX && !isSmall(bytes)) return threads.run(payer, job, bytes, args);
    return { value: checkHere(bytes, payer.charge, () => job.run(bytes, ...args)), bytes };
  };
}

/** Checks a small body in this thread. `charge` is told the CPU time that this takes, unless it is next to none. */
export function checkHere<T>(bytes: Buffer, charge: Payer['charge'], check: () => T): T {
  if (bytes.length <= UNTIMED_BYTES_MAX) return check();
  const before = process.threadCpuUsage();
  try {
    return check();
  } finally {
    const { user, system } = process.threadCpuUsage(before);
    charge((user + system) / 1000);
  }
}

function isSmall(json: Buffer): boolean {
  // A node has at least one byte.
  if (json.length <= INLINE_SHAPE.nodes_max) return true;
  return json.length <= INLINE_BYTES_MAX && shapeFault(json, INLINE_SHAPE) === undefined;
}
