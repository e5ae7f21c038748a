import { isEnded, openNeeds, type Task } from '../../../protocol/task.ts';
import { openNeedLines } from './decision-lines.ts';
import { waiting, withLocalTimes } from './format.ts';
import type { Line } from './line.ts';
import { STATUS_STYLE, statusWord } from './status.ts';

/** How a task stands at `now`: its status with the reason, what it waits for, and what it asks. */
export function standLines(task: Task, now: number): Line[] {
  const { id, status, detail, waiting_for } = task;
  const needs = openNeeds(task);
  // What it asks is below in full.
  const waits = needs.length > 0 || waiting_for === null || isEnded(status) ? null : waiting(waiting_for, now);
  const why = detail === null ? waits : withLocalTimes(detail);
  return [
    ['● ', [STATUS_STYLE[status], statusWord(status)], why === null ? '' : ` — ${why}`],
    ...needs.flatMap((need) => openNeedLines(id, need)),
  ];
}
