import type { NumberedEvent } from '../../../protocol/events.ts';
import { ErrandError } from '../../../protocol/problem.ts';
import type { MockTask } from './task.ts';

/** Gives up an attempt whose worker would work in the first of several repositories alone, and throws `stale_attempt`. */
export function giveUpUnaware(task: MockTask, first: NumberedEvent | undefined): void {
  if (task.base.repositories === undefined || task.events.length > 0 || first === undefined) return;
  if (first.type === 'agent.started' && first.body.takes_repositories === true) return;
  task.nextAttempt();
  throw new ErrandError('stale_attempt', 'The task has several repositories, and the worker knows only one.');
}
