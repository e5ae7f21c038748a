import { LIMITS } from '../../../protocol/limits.ts';
import type { Task } from '../../../protocol/task.ts';
import { needsYou } from '../../../protocol/without-schemas.ts';
import type { Client } from '../client.ts';

/**
 * The pages that are listed at a cold start: all errands that need the person, then the newest. The rest is read on
 * demand.
 */
const LIST_PAGES_MAX = 5;

/** Reads a page of the list, without what is archived: the first, or the one at `cursor`. */
export function readPage(client: Client, cursor: string | undefined, signal?: AbortSignal) {
  const query = { limit: LIMITS.page_items_max, cursor, archived: 'false', order: 'needs_you' };
  return client.call('listTasks', { query }, { signal });
}

/**
 * Reads the first pages of the list. `next`: where it goes on; null: nowhere. `covers`: whether the errand of this id
 * would have been read if it was listed.
 */
export async function readList(
  client: Client,
  signal: AbortSignal | undefined,
): Promise<{ read: Task[]; next: string | null; covers: (id: string) => boolean }> {
  const read: Task[] = [];
  let next: string | null | undefined;
  for (let pages = 0; pages < LIST_PAGES_MAX && next !== null; pages++) {
    const page = await readPage(client, next, signal);
    read.push(...page.items);
    next = page.next_cursor;
  }
  const last = read.at(-1);
  // The others come after those that need the person: while there are such, none of the others was listed.
  const oldest = typeof next !== 'string' || !last ? '' : needsYou(last) ? '~' : last.id;
  return { read, next: next ?? null, covers: (id) => id >= oldest };
}
