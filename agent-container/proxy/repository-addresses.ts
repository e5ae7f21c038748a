/** A repository of the task; `key` null: the first. */
export type TaskRepository = { key: string | null; repo_url: string };

/** Where git finds a repository of the task for which it is asked by its own address. */
const PREFIX = '/at/';
/** Keys have none. */
const END_OF_KEY = '=';
const SERVICE = /\/(?:info\/(?:refs(?:\?.*)?|lfs\/.*)|git-(?:upload|receive)-pack)$/;

/**
 * Settings of git by which a command reaches the repositories of the task at the addresses that people write: of a
 * submodule, a dependency, or `origin`. Git compares how an address begins, so longer ones come here, too.
 * `proxy_url`: the loopback proxy. A repository without a web address, as the sample, has none.
 */
export function addressSettings(proxy_url: string, repositories: TaskRepository[]): [name: string, value: string][] {
  return repositories.flatMap(({ key, repo_url }) => {
    if (!isWebAddress(repo_url)) return [];
    const address = bareAddress(repo_url);
    const { hostname, pathname } = new URL(address);
    const path = pathname.slice(1);
    const name = `url.${proxy_url}${PREFIX}${key ?? ''}${END_OF_KEY}.insteadOf`;
    return [address, `ssh://git@${hostname}/${path}`, `git@${hostname}:${path}`].map((at): [string, string] => [
      name,
      at,
    ]);
  });
}

/**
 * Where a request goes that git sends by those settings: to the path of a repository of the task, or, where only the
 * beginning of the address is that of one, to the address that was meant. Null: it is no such request.
 */
export function resolveAddress(
  path: string,
  repositories: TaskRepository[],
): { path: string; location?: never } | { location: string; path?: never } | null {
  const end = path.indexOf(END_OF_KEY);
  const service = SERVICE.exec(path)?.[0];
  if (!path.startsWith(PREFIX) || end < 0 || service === undefined) return null;
  const key = path.slice(PREFIX.length, end) || null;
  const repository = repositories.find((each) => each.key === key);
  if (repository === undefined) return null;
  const rest = path.slice(end + 1, -service.length);
  if (/^(?:\.git)?\/?$/.test(rest)) return { path: `/git${key === null ? '' : `/${key}`}${service}` };
  return { location: bareAddress(repository.repo_url) + rest + service };
}

/** Whether git knows what to do with the address; the sample's is a name of Errand's own. */
export const isWebAddress = (repo_url: string): boolean => /^https?:\/\//.test(repo_url);

/** Without `.git` and a slash at its end. */
const bareAddress = (repo_url: string) => repo_url.replace(/\/$/, '').replace(/\.git$/, '');
