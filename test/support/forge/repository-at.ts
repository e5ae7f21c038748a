import type { OpenForge } from '../../../coordinator/forge/forge-access.ts';

/** The repository of an address at this forge. Undefined: it is at another one. */
export function repositoryAt(origin: string, repo_url: string): OpenForge['repository'] | undefined {
  const url = new URL(repo_url);
  const [, owner = '', name = ''] = url.pathname.replace(/\.git$/, '').split('/');
  return url.origin === origin ? { owner, name } : undefined;
}
