import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { Task } from '../../../../protocol/task.ts';
import { Unreachable } from '../../../client/errors.ts';
import { useSession } from '../../parts/context.ts';
import { matches } from './groups.ts';

/** A pause in typing after which the server is asked. */
const PAUSE_MS = 200;

/** What a search has found. `only_here`: the server could not be asked, so only what this device knows was searched. */
export type Found = { tasks: readonly Task[]; only_here: boolean };

/**
 * Searches for `query`: at once in what this device knows, then on the server, among all errands. Undefined: there is
 * no query, or nothing is known yet.
 */
export function useSearch(query: string): Found | undefined {
  const session = useSession();
  const answer = useSignal<{ query: string; tasks: readonly Task[] } | undefined>(undefined);
  const failed = useSignal(false);
  const q = query.trim();
  // Once the server can be reached again it is asked again.
  const live = session.live.value?.kind === 'live';
  useEffect(() => {
    if (q === '') return;
    let over = false;
    const timer = setTimeout(() => {
      session.search(q).then(
        (tasks) => {
          if (over) return;
          answer.value = { query: q, tasks };
          failed.value = false;
        },
        (error: unknown) => {
          if (!over) failed.value = error instanceof Unreachable;
        },
      );
    }, PAUSE_MS);
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [session, q, live]);
  const known = session.tasks.value;
  if (q === '' || !known) return undefined;
  const here = known.filter((task) => matches(task, q));
  if (answer.value?.query !== q) return { tasks: here, only_here: failed.value };
  // What this device knows of an errand is newer than the answer.
  const current = new Map(known.map((task) => [task.id, task]));
  return { tasks: answer.value.tasks.map((task) => current.get(task.id) ?? task), only_here: false };
}
