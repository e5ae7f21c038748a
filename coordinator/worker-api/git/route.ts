import type { IncomingMessage } from 'node:http';
import { ErrandError } from '../../../protocol/problem.ts';
import { RepositoryKey } from '../../../protocol/repositories.ts';
import { mediaType, type GitService } from './backend.ts';

/**
 * `is_rpc`: the request has a body for the service; else it asks for the refs. `key`: of the repository; null: the
 * first.
 */
export type GitRoute = { service: GitService; is_rpc: boolean; key: string | null };

/** Git's smart HTTP protocol alone: no dumb protocol, no further parameters. */
const ROUTES = new Map<string, Omit<GitRoute, 'key'>>([
  ['GET /info/refs?service=git-upload-pack', { service: 'git-upload-pack', is_rpc: false }],
  ['GET /info/refs?service=git-receive-pack', { service: 'git-receive-pack', is_rpc: false }],
  ['POST /git-upload-pack', { service: 'git-upload-pack', is_rpc: true }],
  ['POST /git-receive-pack', { service: 'git-receive-pack', is_rpc: true }],
]);

/**
 * The route of a git request. Throws `forbidden` for any other path, and `unsupported_media_type` for a body of the
 * wrong type.
 */
export function gitRouteOf(request: IncomingMessage, path: string): GitRoute {
  const [, key = null, rest = path] = /^\/([^/?]+)(\/(?:info\/|git-).*)$/s.exec(path) ?? [];
  const route = ROUTES.get(`${request.method} ${rest}`);
  if (!route || (key !== null && !RepositoryKey.safeParse(key).success))
    throw new ErrandError(
      'forbidden',
      "Only git's smart HTTP protocol is allowed here, for the repositories of this task.",
    );
  const type = mediaType(route.service, 'request');
  if (route.is_rpc && request.headers['content-type'] !== type)
    throw new ErrandError('unsupported_media_type', `The content type must be ${type}.`);
  return { ...route, key };
}

/** The request headers that git needs. All others stay here, the task token above all. */
export function gitHeaders({ headers }: IncomingMessage): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name of ['accept', 'accept-encoding', 'accept-language', 'user-agent', 'git-protocol']) {
    const value = headers[name];
    if (typeof value === 'string') kept[name] = value;
  }
  return kept;
}
