import { LIMITS } from '../../protocol/limits.ts';
import type { Attempt, Task } from '../../protocol/task.ts';
import { requireBudget } from '../tasks/budget-bound.ts';
import {
  addMessage,
  cancelTask,
  createTask,
  removeTask,
  requireTask,
  retryTask,
  type TaskDefaults,
} from '../tasks/task-commands.ts';
import type { EventLog, Tx } from '../sqlite/event-log.ts';
import { queuePlace, queuePlaces } from '../tasks/queue.ts';
import type { Db } from '../sqlite/database.ts';
import { listAttempts } from '../sqlite/attempts.ts';
import { findDiff } from '../sqlite/diffs.ts';
import { eventText, readTaskEvents } from '../sqlite/events.ts';
import { findProjectOf } from '../sqlite/projects.ts';
import { listTasks } from '../sqlite/tasks.ts';
import type { RepositoryCheck } from '../domain/forge-repository.ts';
import { taskView } from '../domain/task-view.ts';
import type { AttemptRow, TaskRow } from '../domain/task.ts';
import type { Call } from './call.ts';
import type { Handlers } from './router.ts';
import { JsonText } from './json-text.ts';
import { pageOf } from './page.ts';
import { withRepository } from './repository-input.ts';

type Tasks =
  | 'createTask'
  | 'listTasks'
  | 'getTask'
  | 'listEvents'
  | 'getDiff'
  | 'createMessage'
  | 'cancelTask'
  | 'retryTask'
  | 'deleteTask';

type TaskHandlerDependencies = TaskDefaults & {
  log: EventLog;
  /** Why no work is started now, or null. */
  gate: { readonly fault: string | null };
  repositories: Pick<RepositoryCheck, 'checkHost'>;
};

/** Tasks, their events and results, and messages to them. */
export function taskHandlers({ log, gate, repositories, ...server }: TaskHandlerDependencies): Pick<Handlers, Tasks> {
  const { db } = log;
  const seen = (tasks: TaskRow[]) => tasksView(db, tasks, gate.fault);
  const seenOne = (task: TaskRow) => taskView(task, queuePlace(db, task) ?? undefined, gate.fault);
  return {
    createTask: ({ who, body, writeAfter }) => {
      const input = withRepository(body);
      return writeAfter(
        async () => input.repo_url !== undefined && repositories.checkHost(input.repo_url),
        (tx) => seenOne(createTask(tx, server, who.user_id, input)),
      );
    },
    listTasks: ({ who, query: { cursor, ...filter } }) => {
      const { project_id, limit } = filter;
      if (project_id !== undefined && !findProjectOf(db, who.user_id, project_id))
        return { items: [], next_cursor: null };
      const rows = listTasks(db, { ...filter, user_id: who.user_id, before: cursor, limit: limit + 1 });
      const { items, next_cursor } = pageOf(rows, limit);
      return { items: seen(items), next_cursor };
    },
    getTask: ({ who, params }) => {
      const task = requireTask(db, who.user_id, params.id);
      return { ...seenOne(task), attempts: listAttempts(db, task.id).map(attemptView) };
    },
    listEvents: ({ who, params, query: { after, limit } }) => {
      const { id: task_id } = requireTask(db, who.user_id, params.id);
      const { rows, more } = readTaskEvents(db, { task_id, after, limit, bytes_max: LIMITS.page_bytes_max });
      const next_cursor = more ? rows.at(-1)?.id : null;
      return new JsonText(`{"items":[${rows.map(eventText).join()}],"next_cursor":${next_cursor}}`);
    },
    getDiff: ({ who, params }) => {
      const { id, pushed_branch, result } = requireTask(db, who.user_id, params.id);
      return {
        ...(findDiff(db, id) ?? { diff: '', truncated: false }),
        branch: result?.branch ?? pushed_branch,
        base_commit: result?.base_commit ?? null,
        commit: result?.commit ?? null,
      };
    },
    createMessage: ({ who, params, body, write, audit }) =>
      write((tx) => {
        requireBudget(tx.db, server.config, who.user_id, body.budget_usd);
        const sent = addMessage(tx, who.user_id, params.id, body, server.models);
        auditBudget(tx, audit, params.id, body);
        return sent;
      }),
    cancelTask: ({ who, params, write }) => write((tx) => seenOne(cancelTask(tx, who.user_id, params.id))),
    retryTask: ({ who, params, body, write, audit }) =>
      write((tx) => {
        requireBudget(tx.db, server.config, who.user_id, body.budget_usd);
        const task = retryTask(tx, who.user_id, params.id, body);
        auditBudget(tx, audit, params.id, body);
        return seenOne(task);
      }),
    deleteTask: ({ who, params }) => {
      log.write((tx) => removeTask(tx, who.user_id, params.id));
      return undefined;
    },
  };
}

/** Records that the person approved another budget, if they did. */
function auditBudget(
  tx: Tx,
  audit: Call<unknown>['audit'],
  subject: string,
  { budget_usd }: { budget_usd?: number | undefined },
): void {
  if (budget_usd !== undefined) audit(tx, { action: 'budget.approved', subject, detail: { budget_usd } });
}

/** Tasks of one user as their owner sees them now, with their places in the queue. */
function tasksView(db: Db, tasks: TaskRow[], fault: string | null): Task[] {
  const queued = tasks.filter(({ status }) => status === 'queued');
  const places = queued[0] ? queuePlaces(db, queued[0].user_id, queued) : new Map<string, number>();
  return tasks.map((task) => taskView(task, places.get(task.id), fault));
}

function attemptView({ n, status, reason, detail, runner, worker, warm, started_at, ended_at }: AttemptRow): Attempt {
  return { n, status, reason, detail, runner, worker, warm, started_at, ended_at };
}
