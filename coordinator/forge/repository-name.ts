import type { RepositoryName } from './forge.ts';

/** Whether two names are of one repository at a forge. Forges do not tell apart the case of names. */
export function isSameName(one: RepositoryName | null | undefined, other: RepositoryName): boolean {
  const plain = ({ owner, name }: RepositoryName): string => `${owner}/${name}`.toLowerCase();
  return one !== null && one !== undefined && plain(one) === plain(other);
}
