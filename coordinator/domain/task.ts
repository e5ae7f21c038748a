import { newId } from '../../protocol/ids.ts';
import { plainLetters } from './plain-letters.ts';
import type {
  Effort,
  FailureReason,
  PlanItem,
  RunnerName,
  TaskResult,
  Usage,
  WaitingFor,
} from '../../protocol/task.ts';
import type { TaskState } from './task-state.ts';

/** A task as stored. Clients see the protocol's `Task`. */
export type TaskRow = TaskState & {
  id: string;
  user_id: string;
  project_id: string | null;
  /** The schedule that started it, which may be deleted by now; null: a person did. */
  schedule_id: string | null;
  repo_url: string;
  prompt: string;
  title: string;
  base_branch: string | null;
  /** The branch that the worker pushes: `errand/<id>-<slug>`. */
  branch: string;
  /** The branch that the person named; null: none. Finished work is pushed there. */
  work_branch: string | null;
  model: string;
  effort: Effort;
  /** What the newest answer came from; null: none came yet. */
  model_used: string | null;
  effort_used: Effort | null;
  budget_usd: number;
  max_turns: number;
  priority: number;
  /** Whether the work waits for approval before it is pushed. */
  ask_before_push: boolean;
  /** Whether the person wants to see a plan before anything is changed. */
  plan_first: boolean;
  /** The commit that may be pushed; null: none was approved. */
  approved_commit: string | null;
  /** The newest commit whose push was refused because it was not approved. */
  held_commit: string | null;
  /** The name of the workspace's folder; null before the first attempt. */
  workspace: string | null;
  /** What the worker waits for, from its last report. */
  waiting_for: WaitingFor | null;
  /** What the task waits for while its worker is silent. It overrides `waiting_for`. */
  silence: WaitingFor | null;
  plan: PlanItem[];
  result: TaskResult | null;
  /** The branch, once the coordinator has seen it pushed. */
  pushed_branch: string | null;
  /** When its person archived it; null: it is not archived. */
  archived_at: string | null;
  usage: Usage;
  created_at: string;
  updated_at: string;
};

/** The fields of a new task that the user sets, directly or through a project. */
type NewTask = Pick<
  TaskRow,
  'user_id' | 'project_id' | 'repo_url' | 'prompt' | 'base_branch' | 'model' | 'budget_usd' | 'max_turns' | 'priority'
> &
  Partial<Pick<TaskRow, 'schedule_id' | 'effort' | 'ask_before_push' | 'plan_first' | 'work_branch'>> & {
    /** Undefined: the first words of the prompt. */
    title?: string | undefined;
  };

const EFFORT_DEFAULT: Effort = 'medium';

/** Creates a queued task with nothing done and nothing spent. `at` is an ISO time. */
export function newTask(fields: NewTask, at: string): TaskRow {
  const id = newId();
  const title = titleOf(fields.title ?? fields.prompt);
  return {
    schedule_id: null,
    effort: EFFORT_DEFAULT,
    work_branch: null,
    ask_before_push: false,
    plan_first: false,
    approved_commit: null,
    held_commit: null,
    ...fields,
    id,
    title,
    branch: branchName(id, title),
    status: 'queued',
    reason: null,
    detail: null,
    attempt: 0,
    failures: 0,
    cancel_reason: null,
    queued_at: at,
    retry_at: null,
    outage_since: null,
    model_used: null,
    effort_used: null,
    workspace: null,
    waiting_for: null,
    silence: null,
    plan: [],
    result: null,
    pushed_branch: null,
    archived_at: null,
    usage: {
      requests: 0,
      input_tokens: 0,
      cache_write_tokens: 0,
      cache_read_tokens: 0,
      output_tokens: 0,
      cost_usd: 0,
    },
    created_at: at,
    updated_at: at,
    started_at: null,
    ended_at: null,
  };
}

/** One execution of a task, as stored. */
export type AttemptRow = {
  task_id: string;
  n: number;
  status: 'starting' | 'running' | 'succeeded' | 'failed' | 'cancelled' | 'parked';
  reason: FailureReason | null;
  detail: string | null;
  runner: RunnerName;
  worker: string;
  warm: boolean;
  /** The name of the image of its worker; null: the server's default. */
  image: string | null;
  last_seq: number;
  /** The model that it began with; null: it began before this was stored. */
  model: string | null;
  /** Whether its worker takes each message with a call. */
  takes_messages: boolean;
  /** The project's commands when the attempt began; null: there is none. */
  setup_command: string | null;
  verify_command: string | null;
  started_at: string;
  ended_at: string | null;
};

/** The prefix, after `refs/heads/`, of the branches that are the task's own. */
export function branchPrefix(task_id: string): string {
  return `errand/${task_id}-`;
}

/** That prefix, and the form that it has where a branch `errand` is in the way: with `-` in place of `/`. */
export function branchPrefixes(task_id: string): string[] {
  const prefix = branchPrefix(task_id);
  return [prefix, prefix.replaceAll('/', '-')];
}

/** Whether the branch is one of the task's own. */
export function isBranchOf(task_id: string, branch: string): boolean {
  return branchPrefixes(task_id).some((prefix) => branch.startsWith(prefix));
}

/** The id of the task whose own branch this is, by its name; undefined: it is no task's own. */
export function taskOfBranch(branch: string): string | undefined {
  return /^errand[/-]([0-9a-z]{20})-/.exec(branch)?.[1];
}

/** The branch of a task: its prefix and a few words of its title. */
function branchName(task_id: string, title: string): string {
  const slug = plainLetters(title)
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 40)
    .replace(/^-+|-+$/g, '');
  return branchPrefix(task_id) + (slug || 'errand');
}

/** The first line of a prompt, cut to 80 characters. */
export function titleOf(prompt: string): string {
  const line = prompt.trim().split(/\r?\n/, 1)[0] ?? '';
  const characters = Array.from(line);
  return characters.length > 80 ? `${characters.slice(0, 79).join('')}…` : line;
}
