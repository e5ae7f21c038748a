import type { NumberedEvent } from '../../../protocol/events.ts';
import { ErrandError } from '../../../protocol/problem.ts';
import type { Assignment } from '../../../protocol/worker-schemas.ts';

type Given = { base: Pick<Assignment, 'repositories'>; events: readonly NumberedEvent[]; nextAttempt: () => void };

/**
 * Gives up an attempt whose worker would work in the first of several repositories alone, and throws `stale_attempt`.
 */
export function giveUpUnaware(task: Given, first: NumberedEvent | undefined): void {
  if (task.base.repositories === undefined || task.events.length > 0 || first === undefined) return;
  if (first.type === 'agent.started' && first.body.takes_repositories === true) return;
  task.nextAttempt();
  throw new ErrandError('stale_attempt', 'The task has several repositories, and the worker knows only one.');
}
