import type { Config } from '../base/config.ts';
import type { ForgeCredential } from '../domain/forge-repository.ts';
import type { ProjectSecrets } from './secrets.ts';

/** The user name that forges expect together with a token. */
const TOKEN_USERNAME = 'x-access-token';

/** The credential of a repository: its project's token, otherwise the server's token for that host; undefined: none. */
export function forgeCredential(
  repo_url: string,
  { git_token, git_username }: Pick<ProjectSecrets, 'git_token' | 'git_username'>,
  config: Pick<Config, 'git_token' | 'git_host'>,
): ForgeCredential | undefined {
  if (git_token !== null) return { username: git_username ?? TOKEN_USERNAME, password: git_token };
  if (config.git_token === undefined || !isAt(repo_url, config.git_host)) return undefined;
  return { username: TOKEN_USERNAME, password: config.git_token };
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
