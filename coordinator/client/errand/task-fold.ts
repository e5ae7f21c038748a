import type { Task, WaitingFor } from '../../../protocol/task.ts';
import { isEnded, openNeeds } from '../../../protocol/without-schemas.ts';
import type { TaskRepository } from '../../../protocol/repositories.ts';
import type { LogEvent } from '../../../protocol/events.ts';
import type { KnownEvent } from '../known-event.ts';

type StatusBody = Extract<KnownEvent, { type: 'task.status' }>['body'];

/**
 * The task after one more event of its log: what `GET /tasks/:id` would return, as far as events tell. What else a task
 * waits for comes with the socket's `state` frames.
 */
export function foldTask(task: Task, event: LogEvent, known: KnownEvent | undefined): Task {
  const changed = known && change(task, event, known);
  if (!changed) return task;
  return { ...task, attempt: Math.max(task.attempt, event.attempt), ...changed, updated_at: event.at };
}

/** What one event changes; undefined if nothing. */
function change(task: Task, event: LogEvent, known: KnownEvent): Partial<Task> | undefined {
  switch (known.type) {
    case 'task.status':
      return changeStatus(task, event, known.body);
    case 'attempt.started':
      return {};
    case 'attempt.ended':
      return { retry_at: known.body.retry_at };
    case 'plan.updated':
      return { plan: known.body.items };
    case 'usage.updated':
      return usedBy(known.body);
    case 'task.model':
      return known.body;
    case 'task.budget':
      return { budget_usd: known.body.budget_usd };
    case 'task.archived':
      return known.body;
    case 'task.cancel_requested':
      return { cancel_reason: known.body.reason };
    case 'repository.ready':
      return known.body.repository === undefined ? { branch: known.body.branch } : undefined;
    case 'branch.pushed': {
      const { repository, branch } = known.body;
      const repositories = inRepositories(task, [{ key: repository, branch }]);
      return { ...repositories, ...(repository === undefined && { branch }) };
    }
    case 'task.result': {
      const { repositories = [], ...first } = known.body;
      const base_commit = task.result?.base_commit ?? null;
      const { branch, commit, diff_stat } = first;
      const summary = first.summary === '' ? (task.result?.summary ?? '') : first.summary;
      const outcomes = [{ key: undefined, branch, commit, diff_stat }, ...repositories];
      return { result: { ...first, summary, base_commit }, ...inRepositories(task, outcomes) };
    }
    case 'question.asked': {
      const { question, until } = known.body;
      return { waiting_for: { kind: 'person', since: event.at, question, ...(until !== undefined && { until }) } };
    }
    case 'need.asked': {
      const { need } = known.body;
      return { needs: [...openNeeds(task).filter(({ id }) => id !== need.id), need] };
    }
    case 'need.answered':
    case 'need.closed':
      return { needs: openNeeds(task).filter(({ id }) => id !== known.body.need_id) };
    case 'pull.opened':
    case 'pull.changed': {
      const { pull } = known.body;
      const others = task.pulls ?? [];
      const before = others.some(({ id }) => id === pull.id);
      return { pulls: before ? others.map((other) => (other.id === pull.id ? pull : other)) : [...others, pull] };
    }
    case 'question.closed':
      return task.waiting_for?.kind === 'person' ? { waiting_for: null } : undefined;
    default:
      return undefined;
  }
}

type Outcome = { key: string | undefined } & Partial<Pick<TaskRepository, 'branch' | 'commit' | 'diff_stat'>>;

/** What was done in repositories of a task that has several; `key` undefined: in its first. A pushed branch stays. */
function inRepositories({ repositories }: Task, outcomes: readonly Outcome[]): Pick<Task, 'repositories'> {
  if (!repositories) return {};
  const changed = repositories.map((each, i) => {
    const { branch, ...done } = outcomes.find(({ key }) => key === (i === 0 ? undefined : each.key)) ?? {};
    return { ...each, ...done, key: each.key, branch: branch ?? each.branch };
  });
  return { repositories: changed };
}

function usedBy({ model, effort, usage }: Extract<KnownEvent, { type: 'usage.updated' }>['body']): Partial<Task> {
  return { usage, model_used: model, ...(effort !== undefined && { effort_used: effort }) };
}

function changeStatus(task: Task, { at }: LogEvent, { to, reason, capped = false, detail }: StatusBody): Partial<Task> {
  const ended = isEnded(to);
  return {
    status: to,
    reason,
    capped,
    detail,
    waiting_for: waitingAfter(task, to, at),
    ended_at: ended ? at : null,
    ...(!ended && { archived: false }),
    ...(to !== 'queued' && { queue_place: null, retry_at: null }),
    ...(to === 'starting' && task.started_at === null && { started_at: at }),
    ...((ended || to === 'queued') && { cancel_reason: null }),
  };
}

/** What a task waits for once its status has changed, until the server says more. */
function waitingAfter({ waiting_for }: Task, to: Task['status'], since: string): WaitingFor | null {
  switch (to) {
    case 'starting':
      return { kind: 'worker', since };
    case 'running':
      return waiting_for?.kind === 'queue' || waiting_for?.kind === 'worker' ? null : waiting_for;
    case 'queued':
    case 'waiting':
    case 'parked':
      return waiting_for?.kind === 'person' || waiting_for?.kind === 'queue' ? waiting_for : null;
    case 'succeeded':
    case 'failed':
    case 'cancelled':
      return null;
  }
}
