/**
 * What all addresses of one repository have in common. Forges do not tell apart the case of names, `.git` and a slash
 * at the end may be there or not, and a repository is the same over http and https.
 */
export function repositoryIdentity(repo_url: string): string {
  const url = URL.parse(repo_url);
  if (url === null) return repo_url;
  return `${url.host}${decoded(url.pathname)
    .replace(/\/+$/, '')
    .replace(/\.git$/i, '')}`.toLowerCase();
}

/** Whether two addresses are of one repository. */
export function isSameRepository(one: string, other: string): boolean {
  return one === other || repositoryIdentity(one) === repositoryIdentity(other);
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
