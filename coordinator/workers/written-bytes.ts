import { readdir, readFile } from 'node:fs/promises';

const WRITTEN = /^write_bytes: (\d+)$/m;
const CANCELLED = /^cancelled_write_bytes: (\d+)$/m;
/** More processes than a worker may have. */
const PROCESSES_MAX = 32_768;

/**
 * How much a process of this machine and all that came from it have written to disks, in bytes, by Linux's accounting:
 * what ended children have written counts for their parent. Undefined: unknown, such as that of another user's process.
 */
export async function writtenBytes(pid: number): Promise<number | undefined> {
  let total: number | undefined;
  const open = [pid];
  for (let seen = 0; open.length > 0 && seen < PROCESSES_MAX; seen++) {
    const next = open.pop();
    const [io, threads] = await Promise.all([read(`/proc/${next}/io`), readdir(`/proc/${next}/task`).catch(() => [])]);
    const children = await Promise.all(threads.map((thread) => read(`/proc/${next}/task/${thread}/children`)));
    const written = WRITTEN.exec(io)?.[1];
    if (written !== undefined) total = (total ?? 0) + Number(written) - Number(CANCELLED.exec(io)?.[1] ?? 0);
    open.push(...children.join(' ').split(' ').filter(Boolean).map(Number));
  }
  return total;
}

/** A process may end at any time. */
function read(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}
