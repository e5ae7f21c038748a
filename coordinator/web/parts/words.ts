import type { FailureReason, Task, WaitingFor } from '../../../protocol/task.ts';
import { saidReason } from '../../../protocol/said-reason.ts';
import { isEnded, SAMPLE_REPO_URL } from '../../../protocol/without-schemas.ts';
import { Displaced, Incomplete, Intercepted, Refusal, Unreachable } from '../../client/errors.ts';
import { format, t } from './speech.ts';

/** What an errand does now: a verb, and the code it is about. `since`: when that began. */
export type Doing = { words: string; code?: string; since?: string };

/** What an errand does or waits for, in words. */
export function doing(task: Task, now: number): Doing {
  if (task.cancel_reason !== null && !isEnded(task.status)) return { words: t.waiting.stopping };
  if (isEnded(task.status)) return { words: outcome(task) };
  if (task.waiting_for) return waitsFor(task.waiting_for, now);
  return { words: task.status === 'running' ? t.waiting.working : t.status[task.status] };
}

/** How an errand ended: its result in a line, or why there is none. The repository or the branch may be missing. */
function outcome(task: Task): string {
  const { status, detail, result } = task;
  const summary = firstLine(result?.summary ?? '');
  if (status === 'succeeded') return summary || t.status.succeeded;
  const reason = saidReason(task);
  return reason === 'repository_not_found' ? missingWords(detail) : (reasonWords(reason) ?? t.status[status]);
}

/** That the repository or the branch is missing, and which. */
export function missingWords(detail: string | null): string {
  return detail === null ? t.reason.repository_not_found : t.missing_repository(detail);
}

export function reasonWords(reason: FailureReason | null): string | undefined {
  return reason === null ? undefined : t.reason[reason];
}

function waitsFor(waiting: WaitingFor, now: number): Doing {
  const { since } = waiting;
  const ago = (time: string) => format.duration(now - Date.parse(time));
  switch (waiting.kind) {
    case 'queue':
      if (waiting.reason !== undefined) return { words: t.waiting.queue_held(t.in_english(waiting.reason)) };
      if (waiting.retry_at !== undefined) return { words: t.waiting.queue_until(format.clock(waiting.retry_at, now)) };
      return { words: t.waiting.queue(format.number(waiting.place)) };
    case 'worker':
      return { words: t.waiting.worker, since };
    case 'repository':
      return { words: t.waiting.repository, since };
    case 'model':
      if (waiting.silent_since !== undefined) return { words: t.waiting.model_silent(ago(waiting.silent_since)) };
      return { words: t.waiting.model, since };
    case 'command':
      return { words: t.waiting.command, code: firstLine(waiting.command), since };
    case 'limit':
      return { words: t.waiting.limit(format.clock(waiting.until, now)) };
    case 'person':
      return { words: t.waiting.person, since };
    case 'silent_worker':
      return { words: t.waiting.silent_worker(format.clock(waiting.until, now)) };
  }
}

/** A short name of a repository: the last part of its path. */
export function repositoryName(url: string): string {
  if (url === SAMPLE_REPO_URL) return t.fresh.sample;
  return (
    url
      .replace(/\.git$/, '')
      .split('/')
      .filter(Boolean)
      .at(-1) ?? url
  );
}

/** A repository's address without what it has in common with others. */
export function repositoryAddress(url: string): string {
  return url.replace(/^https?:\/\//, '').replace(/\.git$/, '');
}

/** What went wrong, for the person: in the app's words where it has some, else in those of the server. */
export function faultWords(error: unknown): string {
  if (error instanceof Incomplete) return t.incomplete;
  if (error instanceof Unreachable) return t.problem['unreachable'] ?? '';
  if (error instanceof Refusal) return t.problem[error.code] ?? t.server_says(error.message);
  if (!(error instanceof Error) || error.message === '') return t.problem['unknown'] ?? '';
  const of = error instanceof Displaced ? 'displaced' : error instanceof Intercepted ? 'intercepted' : '';
  return t.problem[of] ?? t.in_english(error.message);
}

/** The first line with a word in it, without Markdown's marks around it. */
export function firstLine(text: string): string {
  const line = text.split('\n').find((each) => /[\p{L}\p{N}]/u.test(each)) ?? '';
  return line
    .replace(/^[\s#>*-]+/, '')
    .replaceAll(/[*`]{1,3}/g, '')
    .trim();
}
