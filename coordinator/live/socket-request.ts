import type { IncomingMessage } from 'node:http';
import { ErrandError } from '../../protocol/problem.ts';
import { BEARER_SUBPROTOCOL_PREFIX } from '../../protocol/socket.ts';

/** The user and the credential of an upgrade request. */
export type SocketRequest = { user_id: string; ticket: string | null; bearer: string | undefined };

/**
 * Reads `/ws/:user_id`, `?ticket=` and the subprotocol `bearer.<access token>`. It matches the raw target: a URL parser
 * throws on some malformed ones. Throws `invalid` if the target is not a path, `not_found` if it is another path.
 */
export function readSocketRequest({ url = '', headers }: IncomingMessage): SocketRequest {
  if (!url.startsWith('/')) throw new ErrandError('invalid', 'The target of an upgrade must be a path: /ws/<user id>.');
  const [, user_id, query] = /^\/ws\/([^/?]+)(?:\?(.*))?$/s.exec(url) ?? [];
  if (user_id === undefined) throw new ErrandError('not_found', 'There is no socket at this address.');
  const protocols = headers['sec-websocket-protocol']?.split(',').map((name) => name.trim());
  const bearer = protocols?.find((name) => name.startsWith(BEARER_SUBPROTOCOL_PREFIX));
  return {
    user_id,
    ticket: new URLSearchParams(query).get('ticket'),
    bearer: bearer?.slice(BEARER_SUBPROTOCOL_PREFIX.length),
  };
}
