import { randomCharacters } from '../../protocol/ids.ts';

const WORKER_NAME = /^errand-[0-9a-hjkmnp-tv-z]{10}$/;

/**
 * Makes the name of a new worker. It is unique among all servers of a machine, and short, because its socket's path
 * has at most 107 bytes.
 */
export function newWorkerName(): string {
  return `errand-${randomCharacters(10)}`;
}

/** Whether this is a name of a worker, or of a workspace, which has the name of its first worker. */
export function isWorkerName(name: string): boolean {
  return WORKER_NAME.test(name);
}
