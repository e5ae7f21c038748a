import type { Need } from '../../protocol/needs.ts';
import type { Task } from '../../protocol/task.ts';
import { sayReason } from '../../protocol/said-reason.ts';
import { isActive } from './task-state.ts';
import type { TaskRow } from './task.ts';
import { waitingFor } from './waiting-for.ts';

/**
 * The task as clients see it. `place`: its place in the queue, from 1; undefined: not queued. `fault`: why no queued
 * task can start, or null. `needs`: its open decisions.
 */
export function taskView(task: TaskRow, needs: Need[], place: number | undefined, fault: string | null): Task {
  return {
    id: task.id,
    project_id: task.project_id,
    schedule_id: task.schedule_id,
    repo_url: task.repo_url,
    prompt: task.prompt,
    title: task.title,
    base_branch: task.base_branch,
    work_branch: task.work_branch,
    model: task.model,
    effort: task.effort,
    model_used: task.model_used,
    effort_used: task.effort_used,
    budget_usd: task.budget_usd,
    max_turns: task.max_turns,
    priority: task.priority,
    ask_before_push: task.ask_before_push,
    plan_first: task.plan_first,
    status: task.status,
    // These describe the previous attempt. While one is in progress nothing has failed yet.
    capped: false,
    ...sayReason(isActive(task.status) ? null : task.reason),
    detail: isActive(task.status) ? null : task.detail,
    waiting_for: waitingFor(task, { place: place ?? 1, fault }),
    needs,
    retry_at: task.status === 'queued' ? task.retry_at : null,
    cancel_reason: isActive(task.status) ? task.cancel_reason : null,
    queue_place: place ?? null,
    branch: task.pushed_branch,
    attempt: task.attempt,
    usage: task.usage,
    plan: task.plan,
    result: task.result,
    created_at: task.created_at,
    updated_at: task.updated_at,
    started_at: task.started_at,
    ended_at: task.ended_at,
    archived: task.archived_at !== null,
  };
}
