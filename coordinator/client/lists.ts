import type { SessionInfo } from '../../protocol/accounts.ts';
import type { Project } from '../../protocol/api.ts';
import { LIMITS } from '../../protocol/limits.ts';
import type { Channel } from '../../protocol/notifications.ts';
import type { Person } from '../../protocol/people.ts';
import type { Schedule } from '../../protocol/schedules.ts';
import type { Task } from '../../protocol/task.ts';
import type { TokenInfo } from '../../protocol/tokens.ts';
import type { Client } from './client.ts';
import type { RequestOf } from './http.ts';

/* Whole lists, page by page. */

/** The most pages of a list that are read. */
const PAGES_MAX = 50;

export function allTasks(client: Client): Promise<Task[]> {
  return all((cursor) => client.call('listTasks', { query: { limit: LIMITS.page_items_max, cursor } }));
}

/** The first tasks of a list, `count` at most, and whether it has more. */
export async function firstTasks(
  client: Client,
  query: Omit<NonNullable<RequestOf<'listTasks'>['query']>, 'limit' | 'cursor'>,
  count: number,
): Promise<{ items: Task[]; more: boolean }> {
  const items: Task[] = [];
  for (let cursor: string | undefined; ;) {
    const limit = Math.min(count - items.length, LIMITS.page_items_max);
    const page = await client.call('listTasks', { query: { ...query, limit, cursor } });
    items.push(...page.items);
    if (page.next_cursor === null || items.length >= count) return { items, more: page.next_cursor !== null };
    cursor = page.next_cursor;
  }
}

export function allProjects(client: Client): Promise<Project[]> {
  return all((cursor) => client.call('listProjects', { query: { limit: LIMITS.page_items_max, cursor } }));
}

export function allSessions(client: Client): Promise<SessionInfo[]> {
  return all((cursor) => client.call('listSessions', { query: { limit: LIMITS.page_items_max, cursor } }));
}

export function allPeople(client: Client): Promise<Person[]> {
  return all((cursor) => client.call('listPeople', { query: { limit: LIMITS.page_items_max, cursor } }));
}

export function allTokens(client: Client): Promise<TokenInfo[]> {
  return all((cursor) => client.call('listTokens', { query: { limit: LIMITS.page_items_max, cursor } }));
}

export function allChannels(client: Client): Promise<Channel[]> {
  return all((cursor) => client.call('listChannels', { query: { limit: LIMITS.page_items_max, cursor } }));
}

export function allSchedules(client: Client): Promise<Schedule[]> {
  return all((cursor) => client.call('listSchedules', { query: { limit: LIMITS.page_items_max, cursor } }));
}

async function all<T>(read: (cursor: string | undefined) => Promise<{ items: T[]; next_cursor: string | null }>) {
  const items: T[] = [];
  let cursor: string | undefined;
  for (let pages = 0; pages < PAGES_MAX; pages++) {
    const page = await read(cursor);
    items.push(...page.items);
    if (page.next_cursor === null) break;
    cursor = page.next_cursor;
  }
  return items;
}
