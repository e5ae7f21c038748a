import type { RepositoryName } from './forge.ts';

/** The address of a repository. What a forge says of it may have another host, as the forge's own settings have it. */
export function addressOf(origin: string, { owner, name }: RepositoryName): string {
  return `${origin}/${encodeURIComponent(owner)}/${encodeURIComponent(name)}`;
}

/** Whether two names are of one repository at a forge. Forges do not tell apart the case of names. */
export function isSameName(one: RepositoryName | null | undefined, other: RepositoryName): boolean {
  const plain = ({ owner, name }: RepositoryName): string => `${owner}/${name}`.toLowerCase();
  return one !== null && one !== undefined && plain(one) === plain(other);
}

/** The repository at an address, and its forge. Undefined: it is none of an owner at an origin. */
export function repositoryAt(repo_url: string): { origin: string; repository: RepositoryName } | undefined {
  const url = URL.parse(repo_url);
  const [, owner, name] = /^\/([^/]+)\/([^/]+?)(?:\.git)?\/?$/.exec(decoded(url?.pathname ?? '')) ?? [];
  if (!url || owner === undefined || name === undefined) return undefined;
  return { origin: url.origin, repository: { owner, name } };
}

/** Empty: it has a broken escape, and no repository is there. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return '';
  }
}
