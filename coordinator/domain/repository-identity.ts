/**
 * Whether two addresses are of one repository. Forges do not tell apart the case of names, and `.git` and a slash at the
 * end may be there or not.
 */
export function isSameRepository(one: string, other: string): boolean {
  return one === other || plainAddress(one) === plainAddress(other);
}

function plainAddress(address: string): string {
  const url = URL.parse(address);
  if (url === null) return address;
  return `${url.host}${url.pathname}`
    .toLowerCase()
    .replace(/\/+$/, '')
    .replace(/\.git$/, '');
}
