import { LIMITS } from '../../protocol/limits.ts';
import { ErrandError, wrongField } from '../../protocol/problem.ts';
import { SCHEDULE_NAME_CHARS_MAX } from '../../protocol/schedules.ts';
import { titleOf } from '../domain/task.ts';
import type { Db } from '../sqlite/database.ts';
import { listSchedules } from '../sqlite/schedules.ts';
import { foldName } from '../tasks/project-commands.ts';

const PLACE_CHARS_MAX = 40;

/** Throws `conflict` if another schedule of this user has the name: commands name a schedule by it. */
export function requireFreeName(db: Db, user_id: string, name: string, own_id?: string): void {
  if (!takenNames(db, user_id, own_id).has(foldName(name))) return;
  throw new ErrandError('conflict', `You have a schedule with the name '${name}' already: choose another name.`, {
    errors: [wrongField('/name', 'is the name of another schedule of yours', { reason: 'schedule_name_taken' })],
  });
}

/**
 * A name after the first line of the prompt: `Update it`, else `Update it (shop)`, else `Update it (shop) 2` and so on:
 * the first that no other schedule of this user has. `place`: where it works.
 */
export function freeName(db: Db, user_id: string, prompt: string, place: string): string {
  const taken = takenNames(db, user_id);
  const title = titleOf(prompt);
  const nameWith = (end: string) => cut(title, SCHEDULE_NAME_CHARS_MAX - end.length) + end;
  const where = ` (${cut(place, PLACE_CHARS_MAX)})`;
  const free = ['', where].map(nameWith).find((name) => !taken.has(foldName(name)));
  if (free !== undefined) return free;
  for (let n = 2; ; n++) {
    const name = nameWith(`${where} ${n}`);
    if (!taken.has(foldName(name))) return name;
  }
}

function takenNames(db: Db, user_id: string, but_id?: string): ReadonlySet<string> {
  const all = listSchedules(db, user_id, undefined, LIMITS.schedules_per_user_max);
  return new Set(all.filter(({ id }) => id !== but_id).map(({ name }) => foldName(name)));
}

/** Half of a surrogate pair is no character. */
function cut(text: string, chars_max: number): string {
  return text
    .slice(0, chars_max)
    .replace(/[\uD800-\uDBFF]$/, '')
    .trim();
}
