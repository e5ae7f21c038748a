import { isEnded, type Task } from '../../protocol/task.ts';
import { shortText } from '../domain/short-body.ts';
import { needView } from '../domain/need.ts';
import { pullView } from '../domain/pull.ts';
import { taskView } from '../domain/task-view.ts';
import type { TaskRow } from '../domain/task.ts';
import { repositoriesView } from '../domain/task-repository.ts';
import type { Db } from '../sqlite/database.ts';
import { workByTask } from '../sqlite/attempts.ts';
import { openNeedsByTask } from '../sqlite/needs.ts';
import { pullsByTask } from '../sqlite/pulls.ts';
import { positionsByTask } from '../sqlite/read-marks.ts';
import { repositoriesByTask } from '../sqlite/task-repositories.ts';
import { queuePlaces } from './queue.ts';

/**
 * Tasks of one user as their owner sees them now, with their places in the queue. `fault`: why no queued task can
 * start.
 */
export function taskViews(db: Db, tasks: readonly TaskRow[], fault: string | null): Task[] {
  const queued = tasks.filter(({ status }) => status === 'queued');
  const places = queued[0] ? queuePlaces(db, queued[0].user_id, queued) : new Map<string, number>();
  // A list has hundreds of tasks: one statement for all of them takes a fraction of one for each.
  const ids = tasks.map(({ id }) => id);
  const positions = positionsByTask(db, ids);
  const needs = openNeedsByTask(db, ids);
  const others = repositoriesByTask(db, ids);
  const pulls = pullsByTask(db, ids);
  const work = workByTask(db, ids);
  return tasks.map((task) => {
    const { newest_event_id = 0, read_event_id = 0 } = positions.get(task.id) ?? {};
    const rests = isEnded(task.status) || task.status === 'waiting' || task.status === 'parked';
    const repositories = repositoriesView(task, others.get(task.id) ?? []);
    return {
      ...taskView(task, (needs.get(task.id) ?? []).map(needView), places.get(task.id), fault),
      ...(repositories && { repositories }),
      work: work.get(task.id) ?? { ms: 0, since: null },
      pulls: (pulls.get(task.id) ?? []).map(pullView),
      newest_event_id,
      unread: rests && newest_event_id > read_event_id,
    };
  });
}

/** A task for a list: with a long prompt or summary cut, which `shortened` says. */
export function shortTask(task: Task): Task {
  const prompt = shortText(task.prompt);
  const summary = task.result && shortText(task.result.summary);
  if (prompt === task.prompt && summary === (task.result?.summary ?? null)) return task;
  return { ...task, prompt, result: task.result && { ...task.result, summary: summary ?? '' }, shortened: true };
}
