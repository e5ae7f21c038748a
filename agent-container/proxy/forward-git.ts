import type http from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { GIT_URL_HEADER } from '../../protocol/lfs.ts';
import { ErrorCode } from '../../protocol/problem.ts';
import { errorCode, isDisconnected } from '../base/error-code.ts';
import type { CoordinatorClient } from '../reporting/coordinator-client.ts';
import { requestCoordinator } from './coordinator-request.ts';

/**
 * How a git request failed. `code` comes from the response header `errand-error`, and is null without one.
 * `is_disconnected`: there was no connection to the coordinator.
 */
export type GitFailure = { status: number; code: ErrorCode | null; is_disconnected: boolean };

/** Headers that belong to one connection, or that the worker sets itself. */
const NOT_FORWARDED = new Set([
  'authorization',
  'connection',
  'host',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/**
 * Forwards a request of git or Git LFS to the coordinator, with the task's token. `path`: below that of the task.
 * `git_url`: where its client reaches the repository. Rejects if it cannot be sent on as it is.
 */
export async function forwardGit(
  client: CoordinatorClient,
  agent: http.Agent,
  request: IncomingMessage,
  response: ServerResponse,
  { path, git_url, onFailure }: { path: string; git_url: string; onFailure: (failure: GitFailure) => void },
): Promise<void> {
  const upstream = requestCoordinator(client.address, {
    method: request.method ?? 'GET',
    path: `${client.task_path}${path}`,
    headers: {
      ...forwardedHeaders(request.headers),
      authorization: `Bearer ${client.token}`,
      [GIT_URL_HEADER]: git_url,
    },
    agent,
  });
  try {
    response.once('close', () => upstream.destroy());
    pipeline(request, upstream).catch((error: Error) => upstream.destroy(error));
    // The response may come before the whole request was sent, for instance when a push is refused by its first lines.
    const answer = await responseTo(upstream);
    const status = answer.statusCode ?? 502;
    if (status >= 400)
      onFailure({ status, code: parseErrorCode(answer.headers['errand-error']), is_disconnected: false });
    response.writeHead(status, forwardedHeaders(answer.headers));
    await pipeline(answer, response);
  } catch (error) {
    upstream.destroy();
    const is_disconnected = isDisconnected(errorCode(error));
    onFailure({ status: 502, code: 'upstream_unreachable', is_disconnected });
    if (response.headersSent) response.destroy();
    else response.writeHead(502, { 'content-type': 'text/plain' }).end('The coordinator could not be reached.\n');
  }
}

function responseTo(upstream: http.ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    upstream.once('response', resolve);
    upstream.once('error', reject);
    upstream.once('timeout', () => upstream.destroy(new Error('The coordinator was silent for too long.')));
  });
}

function forwardedHeaders(headers: http.IncomingHttpHeaders): http.OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !NOT_FORWARDED.has(name)));
}

function parseErrorCode(header: string | string[] | undefined): ErrorCode | null {
  return ErrorCode.safeParse(header).data ?? null;
}
