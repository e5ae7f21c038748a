import { z } from 'zod';
import { ThreadProblem } from '../../protocol/coordinator-events.ts';
import type { Db } from '../sqlite/database.ts';
import { listThreadReads } from '../sqlite/thread-reads.ts';

/** The body of a `thread.read` event. */
const ThreadRead = z.object({
  number: z.number(),
  repository: z.string().optional(),
  title: z.string().nullable(),
  problem: ThreadProblem.nullable(),
});
export type ThreadRead = z.infer<typeof ThreadRead>;

/** What the log has of the issues and pull requests that a task names, oldest first. */
export function threadReads(db: Db, task_id: string): ThreadRead[] {
  return listThreadReads(db, task_id).map((body) => ThreadRead.parse(JSON.parse(body)));
}

type Numbers = { numbers_read: Set<number>; numbers_tried: Set<number> };

/**
 * The numbers of those that the agent was given, of one of its repositories, and of all that it was to be given. `key`
 * undefined: of its first.
 */
export function numbersRead(db: Db, task_id: string, key: string | undefined): Numbers {
  const tried = threadReads(db, task_id).filter(({ repository }) => repository === key);
  const read = tried.filter(({ problem }) => problem === null);
  const numbersOf = (reads: ThreadRead[]) => new Set(reads.map(({ number }) => number));
  return { numbers_read: numbersOf(read), numbers_tried: numbersOf(tried) };
}
