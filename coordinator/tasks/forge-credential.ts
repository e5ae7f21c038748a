import type { Config } from '../base/config.ts';
import type { ForgeCredential } from '../domain/forge-repository.ts';
import type { Db } from '../sqlite/database.ts';
import { findUser, type UserRow } from '../sqlite/users.ts';
import type { ProjectSecrets } from './secrets.ts';

/** The user name that forges expect together with a token. */
const TOKEN_USERNAME = 'x-access-token';

/** The server's own token, and whom it serves. */
export type ServerToken = Pick<Config, 'git_token' | 'git_token_users' | 'git_host'>;

/** Who knows the tokens of people's linked accounts. */
export type LinkedCredentials = {
  /**
   * What git uses for this person at a repository; `fallback` where they have linked no account that serves better.
   * Rejects with `upstream_unreachable` if a token must be renewed and its forge does not answer.
   */
  gitCredential: (
    user_id: string,
    repo_url: string,
    fallback: ForgeCredential | undefined,
  ) => Promise<ForgeCredential | undefined>;
  /** The address that their account has for commits at the forge of a repository. Undefined: none, or it needs none. */
  commitEmail: (user_id: string, repo_url: string) => string | undefined;
};

type Dependencies = { db: Db; config: ServerToken; linked: LinkedCredentials };

/**
 * The credential for git at a person's repository: the project's token, otherwise that of their linked account,
 * otherwise the server's.
 */
export async function gitCredential(
  { db, config, linked }: Dependencies,
  user_id: string,
  repo_url: string,
  secrets: Pick<ProjectSecrets, 'git_token' | 'git_username'>,
): Promise<ForgeCredential | undefined> {
  const own = forgeCredential(repo_url, secrets, config, findUser(db, user_id));
  return secrets.git_token === null ? linked.gitCredential(user_id, repo_url, own) : own;
}

/**
 * The credential of a repository without linked accounts: its project's token, otherwise the server's token for that
 * host, if `user` may use it; undefined: none.
 */
export function forgeCredential(
  repo_url: string,
  { git_token, git_username }: Pick<ProjectSecrets, 'git_token' | 'git_username'>,
  config: ServerToken,
  user: Pick<UserRow, 'role' | 'email'> | undefined,
): ForgeCredential | undefined {
  if (git_token !== null) return { username: git_username ?? TOKEN_USERNAME, password: git_token };
  if (config.git_token === undefined || !isServed(user, config) || !isAt(repo_url, config.git_host)) return undefined;
  return { username: TOKEN_USERNAME, password: config.git_token };
}

/** Sign-up is refused to the addresses in the list, so nobody gets in there by taking one of them. */
function isServed(user: Pick<UserRow, 'role' | 'email'> | undefined, { git_token_users }: ServerToken): boolean {
  return user !== undefined && (user.role === 'owner' || git_token_users.includes(user.email));
}

/**
 * Whether the repository is on this host (`host` or `host:port`), by https: the server's token is sent unencrypted only
 * to a port that is named.
 */
function isAt(repo_url: string, git_host: string): boolean {
  if (!URL.canParse(repo_url)) return false;
  const { protocol, host } = new URL(repo_url);
  return host === git_host && (protocol === 'https:' || git_host.includes(':'));
}
