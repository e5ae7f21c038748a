import { z } from 'zod';
import type { Need, NeedOption } from '../../protocol/needs.ts';
import type { Occasion } from '../../protocol/notifications.ts';
import type { PullRequest } from '../../protocol/pulls.ts';
import { isEnded } from '../../protocol/task.ts';
import type { TaskRow } from '../domain/task.ts';
import type { Db } from '../sqlite/database.ts';
import { findEvent, type EventRow } from '../sqlite/events.ts';
import { findNeed } from '../sqlite/needs.ts';
import type { NotificationRow } from '../sqlite/notifications.ts';
import { findRefusal } from '../sqlite/schedule-runs.ts';
import { findSchedule, type ScheduleRow } from '../sqlite/schedules.ts';
import { findTask } from '../sqlite/tasks.ts';
import { findPull } from '../sqlite/pulls.ts';
import { laterWork, workAfterMerge } from './later-work.ts';
import { NeedAsked, PullChanged } from './occasion.ts';

/** What a person is told, before it takes the form of a channel. `occasion` null: a test. `at` is an ISO time. */
export type Message = {
  id: string;
  occasion: Occasion | null;
  at: string;
  task: Pick<TaskRow, 'id' | 'title' | 'repo_url' | 'branch' | 'project_id' | 'budget_usd'> | null;
  /** What it is about where that is no errand; null in a test too. */
  schedule: Pick<ScheduleRow, 'id' | 'name'> | null;
  /** The question, the summary, or why it failed. */
  text: string;
  /** The answers to a question that one touch can give, and the decision that it asks for. */
  options: NeedOption[];
  need: Pick<Need, 'id' | 'kind' | 'host'> | null;
};

/** A message, and whether it is still true: nobody has answered the question, or continued the errand. */
export type Composed = { message: Message; current: boolean };

const Detail = z.object({ detail: z.string().nullable().catch(null) });
const TEXT_CHARS_MAX = 1_000;

/** What a notification says. Undefined: what it is about was deleted. */
export function compose(db: Db, row: NotificationRow): Composed | undefined {
  return row.task_id === null ? composePause(db, row, row.schedule_id) : composeOfTask(db, row, row);
}

function composeOfTask(
  db: Db,
  { id, occasion }: NotificationRow,
  { task_id, event_id }: { task_id: string; event_id: number },
): Composed | undefined {
  const task = findTask(db, task_id);
  const event = findEvent(db, task_id, event_id);
  if (!task || !event) return undefined;
  const common = { id, occasion, at: event.at, task, schedule: null };
  if (occasion === 'needs_you') {
    const need = NeedAsked.safeParse(JSON.parse(event.body)).data?.need;
    if (!need) return undefined;
    const current = findNeed(db, task_id, need.id)?.closed_at === null;
    const options = need.multiple ? [] : need.options;
    return { message: { ...common, text: cut(need.question), options, need }, current };
  }
  if (event.type === 'pull.changed') {
    const pull = PullChanged.safeParse(JSON.parse(event.body)).data?.pull;
    if (!pull) return undefined;
    const now = findPull(db, pull.id);
    const text = [pullText(pull), now && workAfterMerge(db, task, now)].filter(Boolean).join('; ');
    const current = now?.state === pull.state && now.head_commit === pull.head.commit;
    return { message: { ...common, text: cut(text), options: [], need: null }, current };
  }
  const said = occasion === 'done' ? [laterWork(db, task, event.at), task.result?.summary] : [detailOf(event)];
  const text = cut(said.filter(Boolean).join('\n\n'));
  return { message: { ...common, text, options: [], need: null }, current: isEnded(task.status) };
}

/** A schedule that has paused itself, as long as nobody resumed it. */
function composePause(
  db: Db,
  { id, occasion, created_at: at }: NotificationRow,
  schedule_id: string,
): Composed | undefined {
  const schedule = findSchedule(db, schedule_id);
  if (!schedule) return undefined;
  const text = cut(`The schedule "${cut(schedule.name, 100)}" ${pauseText(schedule, findRefusal(db, schedule_id))}`);
  const message = { id, occasion, at, task: null, schedule, text, options: [], need: null };
  return { message, current: schedule.paused === 'failures' || schedule.paused === 'project_gone' };
}

/** `refused`: why its newest start was refused; undefined: it was not. */
function pauseText({ paused, failures }: ScheduleRow, refused: string | undefined): string {
  switch (paused) {
    case 'failures': {
      const newest = refused === undefined ? '' : ` The newest was refused: ${refused}`;
      return `is paused: its last ${failures} runs failed.${newest}`;
    }
    case 'project_gone':
      return 'is paused: its project is gone.';
    case 'person':
    case null:
      return 'had paused itself. Somebody has changed that since.';
  }
}

function pullText({ number, state, problem, checks }: PullRequest): string {
  const failed = (checks?.failed_names ?? []).flatMap((name, i) => {
    const ended = checks?.failed_states?.[i];
    return ended === 'cancelled' ? [] : [ended === 'needs_action' ? `${name} (needs an action)` : name];
  });
  const what = state === 'open' ? failed.join(', ') : (problem ?? state);
  return `${number === null ? 'Pull request' : `Pull request #${number}`}: ${what}`;
}

function detailOf({ body }: EventRow): string {
  return Detail.parse(JSON.parse(body)).detail ?? '';
}

/** Shortens a text to whole characters. */
export function cut(text: string, chars_max = TEXT_CHARS_MAX): string {
  const characters = Array.from(text.trim());
  return characters.length > chars_max ? `${characters.slice(0, chars_max - 1).join('')}…` : text.trim();
}
