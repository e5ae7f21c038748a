import { findUser } from '../../sqlite/users.ts';
import type { Db } from '../../sqlite/database.ts';
import type { ProjectRow } from '../../domain/project.ts';
import { listProjectsWithMentions } from '../../sqlite/projects.ts';
import type { ForgeAccess, OpenForge } from '../forge-access.ts';
import { ForgeApiError } from '../forge-api-error.ts';
import type { ForgePerson } from '../forge.ts';

/** Who may ask for an errand in a repository, and the access to it. */
export type Asker = { user_id: string; project: ProjectRow; open: OpenForge };

type Parts = {
  db: Db;
  access: ForgeAccess;
  /** The person of this server who has linked this account. `subject`: the forge's id of the account. */
  personAt: (origin: string, subject: string) => string | undefined;
};

/**
 * The person of this server behind an account at a forge, if they may write to the repository now and have a project of
 * it that heeds mentions. Undefined: a stranger. The forge is asked only for people of this server.
 */
export async function findAsker(
  { db, access, personAt }: Parts,
  origin: string,
  clone_url: string,
  person: ForgePerson,
  signal: AbortSignal,
): Promise<Asker | undefined> {
  const user_id = personAt(origin, person.id);
  if (user_id === undefined || findUser(db, user_id)?.blocked_at !== null) return undefined;
  const project = listProjectsWithMentions(db, user_id).find(({ repo_url }) => isSameRepository(repo_url, clone_url));
  if (!project) return undefined;
  const open = await openFor(access, { user_id, project_id: project.id }, clone_url);
  return open && (await mayWrite(open, person, signal)) ? { user_id, project, open } : undefined;
}

/** The access for what Errand says and asks by itself: that of the app, else that of the person. */
export async function openFor(
  access: ForgeAccess,
  who: { user_id: string; project_id: string | null },
  repo_url: string,
): Promise<OpenForge | undefined> {
  return (await access.forApp(repo_url)) ?? (await access.forPerson(who, repo_url));
}

/** Whether the forge lets this person write to the repository. Rejects where the forge cannot be asked now. */
export async function mayWrite(open: OpenForge, { login }: ForgePerson, signal: AbortSignal): Promise<boolean> {
  const { client, repository, token } = open;
  try {
    const permission = await client.permission({ token, signal }, repository, login);
    return permission === 'write' || permission === 'admin';
  } catch (error) {
    if (isRefusal(error)) return false;
    throw error;
  }
}

/** Whether the forge has refused a call for good: to ask again changes nothing. */
export function isRefusal(error: unknown): boolean {
  if (!(error instanceof ForgeApiError)) return false;
  return error.fault !== 'unreachable' && error.fault !== 'rate_limited';
}

/** Whether two addresses are of one repository. Forges do not tell apart the case of names. */
function isSameRepository(one: string, other: string): boolean {
  return plainAddress(one) === plainAddress(other);
}

function plainAddress(address: string): string {
  const url = URL.parse(address);
  return url === null
    ? address
    : `${url.host}${url.pathname}`
        .toLowerCase()
        .replace(/\/+$/, '')
        .replace(/\.git$/, '');
}
