import type { Logger } from '../../base/logger.ts';
import { findUser } from '../../sqlite/users.ts';
import type { Db } from '../../sqlite/database.ts';
import { isSameRepository } from '../../../protocol/repository-identity.ts';
import type { ProjectRow } from '../../domain/project.ts';
import { listProjectsWithMentions } from '../../sqlite/projects.ts';
import type { ForgeAccess, OpenForge } from '../forge-access.ts';
import { isRefusal, undefinedIf } from '../forge-api-error.ts';
import type { ForgePerson, Permission } from '../forge.ts';
import { lookUp } from '../may-read.ts';
import { eitherOf } from '../other-token.ts';
import { addressOf } from '../repository-name.ts';

/** Who may ask for an errand in a repository, and the access to it. */
export type Asker = { user_id: string; project: ProjectRow; open: OpenForge };

type PermissionParts = {
  access: ForgeAccess;
  /** The person of this server who has linked this account. `subject`: the forge's id of the account. */
  personAt: (origin: string, subject: string) => string | undefined;
  logger: Logger;
};

/** Projects that are looked for under another address at most. */
const PROJECTS_ASKED_MAX = 20;

/**
 * The person of this server behind an account at a forge, if they may write to the repository now and have a project of
 * it that reacts to mentions. Undefined: a stranger. The forge is asked only for people of this server.
 */
export async function findAsker(
  parts: PermissionParts & { db: Db },
  origin: string,
  repo_url: string,
  person: ForgePerson,
  signal: AbortSignal,
): Promise<Asker | undefined> {
  const { db, personAt, access } = parts;
  const user_id = personAt(origin, person.id);
  if (user_id === undefined || findUser(db, user_id)?.blocked_at !== null) return undefined;
  const projects = listProjectsWithMentions(db, user_id);
  const project =
    projects.find((one) => isSameRepository(one.repo_url, repo_url)) ??
    (await findRenamed(access, { user_id, projects }, repo_url, signal));
  if (!project) return undefined;
  const open = await openFor(access, { user_id, project_id: project.id }, repo_url);
  return open && (await mayWrite(parts, open, person, signal)) ? { user_id, project, open } : undefined;
}

/** The project whose address is another one of this repository, such as the one before it was renamed. */
async function findRenamed(
  access: ForgeAccess,
  { user_id, projects }: { user_id: string; projects: readonly ProjectRow[] },
  repo_url: string,
  signal: AbortSignal,
): Promise<ProjectRow | undefined> {
  const idOf = async (address: string, project_id: string | null) => {
    const open = await openFor(access, { user_id, project_id }, address);
    return open && (await lookUp(open, signal))?.id;
  };
  const here = projects.filter((one) => URL.parse(one.repo_url)?.origin === URL.parse(repo_url)?.origin);
  const id = here.length === 0 ? undefined : await idOf(repo_url, null);
  if (id === undefined) return undefined;
  for (const project of here.slice(0, PROJECTS_ASKED_MAX))
    if ((await idOf(project.repo_url, project.id)) === id) return project;
  return undefined;
}

/** The access for what Errand says and asks by itself: that of the app, else that of the person. */
export async function openFor(
  access: ForgeAccess,
  who: { user_id: string; project_id: string | null },
  repo_url: string,
): Promise<OpenForge | undefined> {
  return eitherOf(
    () => access.forApp(repo_url),
    () => access.forPerson(who, repo_url),
  );
}

/**
 * Whether the forge lets this person write to the repository. Some forges tell only administrators what others may
 * do: then it is asked with the person's own token, if they have linked their account. Rejects where it cannot be
 * asked now.
 */
export async function mayWrite(
  { access, personAt, logger }: PermissionParts,
  open: OpenForge,
  { id, login }: ForgePerson,
  signal: AbortSignal,
): Promise<boolean> {
  const told = await permissionOf(open, login, signal);
  if (told !== undefined && told !== 'none') return canWrite(told);
  const user_id = personAt(open.client.origin, id);
  const { owner, name } = open.repository;
  const own =
    user_id && (await access.forPerson({ user_id, project_id: null }, addressOf(open.client.origin, open.repository)));
  const own_words = own ? await permissionOf(own, login, signal) : undefined;
  if (own_words === undefined)
    logger.info(
      { repository: `${owner}/${name}`, login },
      'forge does not say what somebody may do there: ignored; the bot has to administer the repository',
    );
  return canWrite(own_words);
}

/** Undefined: the forge does not tell this token. */
async function permissionOf(
  { client, repository, token }: OpenForge,
  login: string,
  signal: AbortSignal,
): Promise<Permission | undefined> {
  return client.permission({ token, signal }, repository, login).catch(undefinedIf(isRefusal));
}

function canWrite(permission: Permission | undefined): boolean {
  return permission === 'write' || permission === 'admin';
}
