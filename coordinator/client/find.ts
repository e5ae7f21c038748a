import { Id } from '../../protocol/ids.ts';
import type { Person } from '../../protocol/people.ts';
import type { Client } from './client.ts';
import { Failure, NotFound } from './errors.ts';
import { allChannels, allPeople, allProjects, allSchedules, allSessions, allTasks, allTokens } from './lists.ts';

/** The fewest characters of an id that must be given. */
const PART_CHARS_MIN = 3;

/** Finds a task by its id, or by the start or the end of its id if that is unique. Resolves with the id. */
export async function findTask(client: Client, part: string): Promise<string> {
  const whole = Id.safeParse(part);
  if (whole.success) return whole.data;
  return only('task', part, matching(await allTasks(client), part), ({ title }) => title).id;
}

/** Finds a project by its name, or by its id as a task. */
export async function findProject(client: Client, part: string): Promise<string> {
  const whole = Id.safeParse(part);
  if (whole.success) return whole.data;
  const projects = await allProjects(client);
  const named = projects.filter(({ name }) => name === part);
  const found = named.length > 0 ? named : matching(projects, part);
  return only('project', part, found, ({ name }) => name).id;
}

/** Finds one of the user's log-ins by its id as a task. */
export async function findSession(client: Client, part: string): Promise<string> {
  const sessions = await allSessions(client);
  return only('session', part, matching(sessions, part), ({ user_agent }) => user_agent ?? '').id;
}

/** Finds a person of the server by e-mail address, or by id as a task. For its owner. */
export async function findPerson(client: Client, part: string): Promise<Person> {
  const people = await allPeople(client);
  const wanted = part.trim().toLowerCase();
  const named = people.filter(({ email }) => email === wanted);
  return only('person', part, named.length > 0 ? named : matching(people, part), ({ email }) => email);
}

/** Finds an open invitation by its id as a task. */
export async function findInvite(client: Client, part: string): Promise<string> {
  const { items } = await client.call('listInvites', {});
  return only('invite', part, matching(items, part), ({ expires_at }) => expires_at).id;
}

/** Finds one of the user's API tokens by its name, or by its id as a task. */
export async function findToken(client: Client, part: string): Promise<string> {
  const tokens = await allTokens(client);
  const named = tokens.filter(({ name }) => name === part);
  return only('token', part, named.length > 0 ? named : matching(tokens, part), ({ name }) => name).id;
}

/** Finds one of the user's channels by its name, or by its id as a task. */
export async function findChannel(client: Client, part: string): Promise<string> {
  const channels = await allChannels(client);
  const named = channels.filter(({ name }) => name === part);
  return only('channel', part, named.length > 0 ? named : matching(channels, part), ({ name }) => name).id;
}

/** Finds one of the user's schedules by its name, or by its id as a task. */
export async function findSchedule(client: Client, part: string): Promise<string> {
  const schedules = await allSchedules(client);
  const named = schedules.filter(({ name }) => name === part);
  return only('schedule', part, named.length > 0 ? named : matching(schedules, part), ({ name }) => name).id;
}

/** Shortens ids to their last characters, as many as it takes to tell them apart. */
export function shortIds(items: readonly { id: string }[]): Map<string, string> {
  const ids = items.map(({ id }) => id);
  let length = 6;
  while (length < 20 && new Set(ids.map((id) => id.slice(-length))).size < ids.length) length++;
  return new Map(ids.map((id) => [id, id.slice(-length)]));
}

function matching<T extends { id: string }>(items: readonly T[], part: string): T[] {
  const wanted = part.toLowerCase();
  if (wanted.length < PART_CHARS_MIN) return [];
  return items.filter(({ id }) => id.startsWith(wanted) || id.endsWith(wanted));
}

function only<T extends { id: string }>(
  kind: NotFound['kind'],
  part: string,
  found: readonly T[],
  title: (item: T) => string,
): T {
  const [first, second] = found;
  if (first === undefined) throw new NotFound(kind, part);
  if (second === undefined) return first;
  throw new Failure(
    `'${part}' may be any of these:\n${found
      .slice(0, 5)
      .map((item) => `  ${item.id}  ${title(item)}`)
      .join('\n')}`,
  );
}
