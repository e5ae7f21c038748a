import { signal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { Task } from '../../../../protocol/task.ts';
import type { Session } from '../../store/session.ts';
import { s } from '../screen-speech.ts';

/** How long the way back is offered. Later, what was archived is under Archived. */
const OFFERED_MS = 10_000;

/** What was archived last, and by whom, while it can be put back at a touch. */
const archived = signal<{ session: Session; task: Task } | undefined>(undefined);

/** Archives an errand that has ended, or puts it back. */
export function setArchived(session: Session, task: Task, to: boolean): void {
  archived.value = to ? { session, task } : undefined;
  void session.acts.archive(task.id, to);
}

/** Says what was archived, and puts it back at a touch. */
export function ArchiveUndo({ session }: { session: Session }): JSX.Element | null {
  const task = archived.value?.session === session ? archived.value.task : undefined;
  useEffect(() => {
    const end = setTimeout(() => (archived.value = undefined), OFFERED_MS);
    return () => clearTimeout(end);
  }, [task]);
  // Another window may have put it back, or the server may have refused it.
  const is_back = session.tasks.value?.some(({ id, archived: is_away }) => id === task?.id && is_away !== true);
  if (!task || is_back === true) return null;
  const undo = async (): Promise<void> => {
    archived.value = undefined;
    const sent = session.acts.entries.value.findLast(
      ({ action }) => action.do === 'archive' && action.task_id === task.id && action.archived,
    );
    if (!sent || !(await session.acts.outbox.takeBack(sent.key))) await session.acts.archive(task.id, false);
  };
  return (
    <div class="update" role="status">
      <span dir="auto">{s.archive.archived(task.title)}</span>
      <button type="button" onClick={() => void undo()}>
        {s.archive.undo}
      </button>
    </div>
  );
}
