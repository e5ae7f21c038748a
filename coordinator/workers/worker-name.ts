import { randomCharacters } from '../../protocol/ids.ts';

const WORKER_NAME = /^errand-[0-9a-hjkmnp-tv-z]{10}$/;

/** A new worker's name: unique among all servers of a machine, and short, since the path of its socket is limited to 107 bytes. */
export function newWorkerName(): string {
  return `errand-${randomCharacters(10)}`;
}

/** Whether this is the name of a worker, or of a workspace, which is named after the first worker that had it. */
export function isWorkerName(name: string): boolean {
  return WORKER_NAME.test(name);
}
