import type { Attachment } from '../../protocol/attachments.ts';
import type { TaskCreate } from '../../protocol/api.ts';
import type { MessageCreate, MessageReceived, TaskRetry } from '../../protocol/messages.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { ErrandError } from '../../protocol/problem.ts';
import { isEnded } from '../../protocol/task.ts';
import { budgetMax, requireBudget } from './budget-bound.ts';
import { advance } from './advance.ts';
import { adoptProjects } from './adopt-projects.ts';
import { requireFreeBranch, requireFreeBranches } from './branch-at-work.ts';
import { attach } from './attachment-commands.ts';
import { chooseRepositories } from './choose-repositories.ts';
import { answerByMessage } from './needs.ts';
import { sendMessage } from './send-message.ts';
import type { Config } from '../base/config.ts';
import type { Db } from '../sqlite/database.ts';
import type { Tx } from '../sqlite/event-log.ts';
import { countMessages, countPendingMessages, nextMessageId } from '../sqlite/messages.ts';
import { findProjectOf } from '../sqlite/projects.ts';
import { markRead } from '../sqlite/read-marks.ts';
import { markRemoved } from '../sqlite/removed.ts';
import {
  countQueuedOf,
  findTaskOf,
  insertTask,
  listOpenTasksOf,
  updateArchived,
  updateBudget,
} from '../sqlite/tasks.ts';
import { newTask, type TaskRow } from '../domain/task.ts';
import { repositoriesView } from '../domain/task-repository.ts';
import { insertTaskRepository, listTaskRepositories } from '../sqlite/task-repositories.ts';

/*
 * What a user can do to a task. Each command runs in the caller's transaction and checks that the task belongs to the
 * user. Other parts react as subscribers of the log.
 */

/** The server's defaults for new tasks. `models`: whether the price table has this model; absent: all are allowed. */
export type TaskDefaults = {
  config: Pick<Config, 'model' | 'effort' | 'budget_usd' | 'member_budget_usd_max' | 'max_turns'>;
  models?: ((name: string) => boolean) | undefined;
};

/**
 * Queues a new task. Fields that it leaves out come from its project, then from the server's defaults. `schedule_id`:
 * of the schedule that starts it; null: a person does.
 */
export function createTask(
  tx: Tx,
  { config, models }: TaskDefaults,
  user_id: string,
  input: TaskCreate & { title?: string | undefined },
  schedule_id: string | null = null,
): TaskRow {
  const project = input.project_id === undefined ? undefined : findProjectOf(tx.db, user_id, input.project_id);
  const repo_url = input.repo_url ?? project?.repo_url;
  if (repo_url === undefined) throw new ErrandError('not_found', 'There is no such project.');
  const model = input.model ?? project?.model ?? config.model;
  requirePrice(model, models);
  requireBudget(tx.db, config, user_id, input.budget_usd);
  const budget_usd = input.budget_usd ?? project?.budget_usd ?? config.budget_usd;
  requireRoomInQueue(tx, user_id);
  requireFreeBranch(tx.db, user_id, { repo_url, work_branch: input.work_branch ?? null }, '/work_branch');
  const others = chooseRepositories(tx.db, user_id, repo_url, input.repositories);
  for (const [index, other] of others.entries())
    requireFreeBranch(tx.db, user_id, other, `/repositories/${index}/work_branch`);
  const at = new Date().toISOString();
  const task = newTask(
    {
      user_id,
      project_id: project?.id ?? null,
      schedule_id,
      repo_url,
      prompt: input.prompt,
      title: input.title,
      base_branch: input.base_branch ?? project?.base_branch ?? null,
      work_branch: input.work_branch ?? null,
      model,
      effort: input.effort ?? project?.effort ?? config.effort,
      // A project may have a higher budget from before the bound was set.
      budget_usd: Math.min(budget_usd, budgetMax(tx.db, config, user_id)),
      max_turns: input.max_turns ?? project?.max_turns ?? config.max_turns,
      priority: input.priority ?? 0,
      ask_before_push: input.ask_before_push ?? project?.ask_before_push ?? false,
      plan_first: input.plan_first ?? false,
    },
    at,
  );
  insertTask(tx.db, task);
  for (const other of others) insertTaskRepository(tx.db, { ...other, task_id: task.id });
  const attachments = attach(tx, { user_id, task_id: task.id, message_id: null }, input.attachments ?? []);
  noteCreation(tx, task, { attachments, continue_pull: input.continue_pull }, at);
  return task;
}

function noteCreation(
  tx: Tx,
  task: TaskRow,
  { attachments, continue_pull }: { attachments: Attachment[]; continue_pull: number | undefined },
  at: string,
): void {
  const { prompt, repo_url, base_branch, model } = task;
  const repositories = repositoriesView(task, listTaskRepositories(tx.db, task.id))?.map(
    ({ key, repo_url: at_url, base_branch: from }) => ({
      key,
      repo_url: at_url,
      base_branch: from,
    }),
  );
  const more = {
    ...(repositories && { repositories }),
    ...(continue_pull !== undefined && { continue_pull }),
    ...(attachments.length > 0 && { attachments }),
  };
  tx.note(task, { type: 'task.created', body: { prompt, repo_url, base_branch, model, ...more } }, at);
}

/** Sends a message to a task, optionally with a new budget. A task that had ended is queued again: `resumed`. */
export function addMessage(
  tx: Tx,
  user_id: string,
  task_id: string,
  { text, budget_usd, hear: wanted = 'next_call', model, effort, attachments = [] }: MessageCreate,
  models?: TaskDefaults['models'],
): MessageReceived {
  const given = requireTask(tx.db, user_id, task_id);
  if (model !== undefined) requirePrice(model, models);
  if (countPendingMessages(tx.db, task_id) >= LIMITS.pending_messages_max)
    throw new ErrandError('conflict', 'Too many messages wait for this task: wait until it has read them.');
  if (countMessages(tx.db, task_id) >= LIMITS.messages_per_task_max)
    throw new ErrandError('conflict', 'This task has had as many messages as one may have: start a new one.');
  const resumed = isEnded(given.status);
  if (resumed) requireRoomInQueue(tx, user_id);
  const id = nextMessageId(tx.db, task_id);
  const at = new Date().toISOString();
  const task = adoptProjects(tx, given, at);
  setBudget(tx, task, budget_usd, at);
  // The answer to a question enters at once: the worker waits for it within its turn.
  const hear = answerByMessage(tx, task, { id, text }, at) ? 'next_call' : wanted;
  const message = { id, text, hear, attachments, ...(model && { model }), ...(effort && { effort }) };
  const { message_id, event_id } = sendMessage(tx, task, message, at);
  return { message_id, resumed, event_id };
}

/** Cancels a task: at once if it is queued, otherwise through its worker, which first pushes its work. */
export function cancelTask(tx: Tx, user_id: string, task_id: string): TaskRow {
  return cancel(tx, requireTask(tx.db, user_id, task_id), 'You cancelled it.');
}

/** Cancels all tasks of a user that have not ended. Returns how many. */
export function cancelAllOf(tx: Tx, user_id: string, reason: string): number {
  const tasks = listOpenTasksOf(tx.db, user_id);
  for (const task of tasks) cancel(tx, task, reason);
  return tasks.length;
}

function cancel(tx: Tx, task: TaskRow, reason: string): TaskRow {
  const at = new Date().toISOString();
  const next = advance(tx, task, { type: 'cancel', reason, at });
  if (next.cancel_reason !== task.cancel_reason) tx.note(next, { type: 'task.cancel_requested', body: { reason } }, at);
  return next;
}

/**
 * Queues a failed or cancelled task again, optionally with a new budget. It resumes where it stopped. A task that waits
 * for a limit or an outage no longer waits for it.
 */
export function retryTask(tx: Tx, user_id: string, task_id: string, { budget_usd }: TaskRetry): TaskRow {
  const given = requireTask(tx.db, user_id, task_id);
  if (isEnded(given.status)) {
    requireRoomInQueue(tx, user_id);
    requireFreeBranches(tx.db, user_id, given);
  }
  const at = new Date().toISOString();
  const task = adoptProjects(tx, given, at);
  setBudget(tx, task, budget_usd, at);
  const next = advance(tx, { ...task, budget_usd: budget_usd ?? task.budget_usd }, { type: 'retry', at });
  if (task.status === 'queued')
    tx.note(next, { type: 'task.status', body: { from: 'queued', to: 'queued', reason: null, detail: null } }, at);
  return next;
}

/**
 * Archives an ended task, or takes it out of the archive; it counts as read. One that goes on leaves the archive by
 * itself. Throws `conflict` if it has not ended.
 */
export function archiveTask(tx: Tx, user_id: string, task_id: string, archived: boolean): TaskRow {
  const task = requireTask(tx.db, user_id, task_id);
  if ((task.archived_at !== null) === archived) return task;
  if (!isEnded(task.status)) throw new ErrandError('conflict', 'The task has not ended: cancel it first.');
  const at = new Date().toISOString();
  const archived_at = archived ? at : null;
  updateArchived(tx.db, task_id, archived_at, at);
  const { id } = tx.note(task, { type: 'task.archived', body: { archived } }, at);
  markRead(tx.db, task_id, id);
  return { ...task, archived_at, updated_at: at };
}

/** Removes an ended task with its log and workspace; pushed branches stay. Throws `conflict` if it has not ended. */
export function removeTask(tx: Tx, user_id: string, task_id: string): void {
  const task = requireTask(tx.db, user_id, task_id);
  if (!isEnded(task.status)) throw new ErrandError('conflict', 'The task has not ended: cancel it first.');
  markRemoved(tx.db, 'task', task_id);
  tx.announce('removed');
}

/**
 * Sets a task's total budget; a running task uses it from its next model request on. Throws `invalid` if that much is
 * already spent.
 */
function setBudget(tx: Tx, task: TaskRow, budget_usd: number | undefined, at: string): void {
  if (budget_usd === undefined) return;
  if (updateBudget(tx.db, task.id, budget_usd, at)) {
    tx.note(task, { type: 'task.budget', body: { budget_usd } }, at);
    return;
  }
  throw new ErrandError('invalid', 'The new budget must be more than the task has already spent.', {
    errors: [{ field: '/budget_usd', message: 'is not more than the task has already spent' }],
  });
}

/** Throws `forbidden` for a model that is not in the price table. */
export function requirePrice(model: string, models: TaskDefaults['models']): void {
  if (!models || models(model)) return;
  throw new ErrandError('forbidden', `The model '${model}' is not in this server's price table.`, {
    errors: [{ field: '/model', message: 'is not in the price table' }],
  });
}

/** The task. Throws `not_found` if the user has no such task. */
export function requireTask(db: Db, user_id: string, task_id: string): TaskRow {
  const task = findTaskOf(db, user_id, task_id);
  if (!task) throw new ErrandError('not_found', 'There is no such task.');
  return task;
}

function requireRoomInQueue(tx: Tx, user_id: string): void {
  if (countQueuedOf(tx.db, user_id) >= LIMITS.queued_tasks_per_user_max)
    throw new ErrandError('unavailable', 'Too many of your tasks are queued: try again when some have run.', {
      retry_after_s: 60,
    });
}
