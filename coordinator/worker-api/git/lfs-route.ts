import type { IncomingMessage } from 'node:http';
import { GIT_URL_HEADER, GitUrl } from '../../../protocol/lfs.ts';
import { ErrandError } from '../../../protocol/problem.ts';
import { RepositoryKey } from '../../../protocol/repositories.ts';

/**
 * A request of Git LFS. `key`: of the repository; null: the first. `action`: the sealed transfer of one object; absent:
 * it is a batch request.
 */
export type LfsRoute = { key: string | null } & (
  { kind: 'batch' } | { kind: 'download'; action: string } | { kind: 'upload'; action: string }
);

/** Whether a path behind the git proxy's name is one of Git LFS. */
export function isLfsPath(path: string): boolean {
  return /^(?:\/[^/?]+)?\/info\/lfs(?:\/|$)|^\.git\/info\/lfs(?:\/|$)/.test(path);
}

/**
 * The route of a request whose path is one of Git LFS. Throws `not_found` for all that is not supported, such as
 * locks.
 */
export function lfsRouteOf({ method }: IncomingMessage, path: string): LfsRoute {
  const [, name = null, rest = ''] = /^(?:\/([^/?]+?))?(?:\.git)?\/info\/lfs\/(.*)$/s.exec(path) ?? [];
  const action = /^objects\/([\w-]{1,8192})$/.exec(rest)?.[1];
  if (name !== null && !RepositoryKey.safeParse(name).success)
    throw new ErrandError('not_found', 'The task has no repository with this key.');
  if (method === 'POST' && rest === 'objects/batch') return { key: name, kind: 'batch' };
  if (method === 'GET' && action !== undefined) return { key: name, kind: 'download', action };
  if (method === 'PUT' && action !== undefined) return { key: name, kind: 'upload', action };
  throw new ErrandError('not_found', 'Of Git LFS there is the batch API with basic transfers, and no locks.');
}

/** Where the sender's Git LFS finds objects of the repository that it has asked. Throws `invalid`. */
export function objectsUrl({ headers, url = '' }: IncomingMessage): string {
  const asked = `http://${headers.host}${url.replace(/(\.git)?\/info\/lfs\/.*$/s, '')}`;
  const given = GitUrl.safeParse(headers[GIT_URL_HEADER] ?? asked);
  if (!given.success)
    throw new ErrandError('invalid', `The header ${GIT_URL_HEADER} is not the address of a repository.`);
  return `${given.data}/info/lfs/objects/`;
}
