import type { Config } from '../base/config.ts';
import type { ForgeCredential } from '../domain/forge-repository.ts';
import type { UserRow } from '../sqlite/users.ts';
import type { ProjectSecrets } from './secrets.ts';

/** The user name that forges expect together with a token. */
const TOKEN_USERNAME = 'x-access-token';

/** The server's own token, and whom it serves. */
export type ServerToken = Pick<Config, 'git_token' | 'git_token_users' | 'git_host'>;

/**
 * The credential of a repository: its project's token, otherwise the server's token for that host, if `user` may use
 * it; undefined: none.
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
