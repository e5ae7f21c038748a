import type { IncomingMessage } from 'node:http';
import { ErrandError } from '../../../protocol/problem.ts';
import { mediaType, type GitService } from './backend.ts';

/** `is_rpc`: the request has a body for the service; else it asks for the refs. */
export type GitRoute = { service: GitService; is_rpc: boolean };

/** Git's smart HTTP protocol alone: no dumb protocol, no other repository, no further parameters. */
const ROUTES = new Map<string, GitRoute>([
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
  const route = ROUTES.get(`${request.method} ${path}`);
  if (!route)
    throw new ErrandError('forbidden', "Only git's smart HTTP protocol is allowed here, for this repository.");
  const type = mediaType(route.service, 'request');
  if (route.is_rpc && request.headers['content-type'] !== type)
    throw new ErrandError('unsupported_media_type', `The content type must be ${type}.`);
  return route;
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
