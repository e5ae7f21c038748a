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

/** The numbers of those that the agent was given, of one of its repositories. `key` undefined: of its first. */
export function numbersRead(db: Db, task_id: string, key: string | undefined): Set<number> {
  const read = threadReads(db, task_id).filter(({ repository, problem }) => repository === key && problem === null);
  return new Set(read.map(({ number }) => number));
}
