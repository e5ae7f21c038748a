import type { z } from 'zod';
import type { TaskPage, TasksQuery } from '../../protocol/api.ts';
import type { Attempt, Task } from '../../protocol/task.ts';
import { sayReason } from '../../protocol/said-reason.ts';
import { requireBudget } from '../tasks/budget-bound.ts';
import {
  addMessage,
  archiveTask,
  cancelTask,
  removeTask,
  requireTask,
  retryTask,
  type TaskDefaults,
} from '../tasks/task-commands.ts';
import type { Keys } from '../base/keys.ts';
import type { Db } from '../sqlite/database.ts';
import type { EventLog, Tx } from '../sqlite/event-log.ts';
import { readTaskPage } from '../tasks/task-page.ts';
import { shortTask, taskViews } from '../tasks/task-views.ts';
import { listAttempts } from '../sqlite/attempts.ts';
import { findProjectOf } from '../sqlite/projects.ts';
import type { ForgeAccess } from '../forge/forge-access.ts';
import type { RepositoryCheck } from '../domain/forge-repository.ts';
import type { AttemptRow, TaskRow } from '../domain/task.ts';
import type { Call } from './call.ts';
import type { Handlers } from './router.ts';
import { messageHandlers } from './messages.ts';
import { newTaskHandler } from './new-task.ts';
import { taskLogHandlers } from './task-log.ts';

type Tasks =
  | 'createTask'
  | 'postTask'
  | 'getEvent'
  | 'markRead'
  | 'listTasks'
  | 'getTask'
  | 'listEvents'
  | 'getDiff'
  | 'createMessage'
  | 'listMessages'
  | 'patchMessage'
  | 'deleteMessage'
  | 'cancelTask'
  | 'retryTask'
  | 'patchTask'
  | 'deleteTask';

type TaskHandlerDependencies = TaskDefaults & {
  log: EventLog;
  keys: Keys;
  /** Why no work is started now, or null. */
  gate: { readonly fault: string | null };
  /** Tells whoever watches that a task has changed without an event. */
  feed: { touch: (user_id: string, task_id: string) => void };
  repositories: Pick<RepositoryCheck, 'checkHost'>;
  forges: ForgeAccess;
};

/** Tasks, their events and results, and messages to them. */
export function taskHandlers({
  log,
  keys,
  gate,
  feed,
  repositories,
  forges,
  ...server
}: TaskHandlerDependencies): Pick<Handlers, Tasks> {
  const { db } = log;
  const seenOne = (task: TaskRow): Task => one(taskViews(db, [task], gate.fault));
  const create = newTaskHandler({ log, keys, server, repositories, forges, seenOne });
  return {
    createTask: create,
    postTask: create,
    listTasks: ({ who, query }) => pageOf(db, who.user_id, query, gate.fault),
    getTask: ({ who, params }) => {
      const task = requireTask(db, who.user_id, params.id);
      return { ...seenOne(task), attempts: listAttempts(db, task.id).map(attemptView) };
    },
    ...taskLogHandlers({ log, feed }),
    createMessage: ({ who, params, body, write, audit }) =>
      write((tx) => {
        requireBudget(tx.db, server.config, who.user_id, body.budget_usd);
        const sent = addMessage(tx, who.user_id, params.id, body, server.models);
        auditBudget(tx, audit, params.id, body);
        return sent;
      }),
    ...messageHandlers(db),
    cancelTask: ({ who, params, write }) =>
      write((tx) => seenOne(cancelTask(tx, who.user_id, params.id)), { urgent: true }),
    retryTask: ({ who, params, body, write, audit }) =>
      write((tx) => {
        requireBudget(tx.db, server.config, who.user_id, body.budget_usd);
        auditBudget(tx, audit, params.id, body);
        return seenOne(retryTask(tx, who.user_id, params.id, body));
      }),
    patchTask: ({ who, params, body, write }) =>
      write((tx) => seenOne(archiveTask(tx, who.user_id, params.id, body.archived))),
    deleteTask: ({ who, params }) => {
      log.write((tx) => removeTask(tx, who.user_id, params.id));
      return undefined;
    },
  };
}

/** A page of a person's tasks. A project of somebody else has none. `fault`: why no work is started now, or null. */
function pageOf(
  db: Db,
  user_id: string,
  query: z.output<typeof TasksQuery>,
  fault: string | null,
): z.output<typeof TaskPage> {
  if (query.project_id !== undefined && !findProjectOf(db, user_id, query.project_id))
    return { items: [], next_cursor: null };
  const { rows, next_cursor } = readTaskPage(db, user_id, query);
  return { items: taskViews(db, rows, fault).map(shortTask), next_cursor };
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

function one<T>([item]: T[]): T {
  if (item === undefined) throw new Error('There is no view of the task.');
  return item;
}

function attemptView(row: AttemptRow): Attempt {
  const { n, status, reason, detail, runner, worker, warm, image, started_at, ended_at } = row;
  return { n, status, ...sayReason(reason), detail, runner, worker, warm, image, started_at, ended_at };
}
