import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ExecutionContext } from 'ava';
import { ErrandError } from '../../protocol/problem.ts';
import type { Caller, WorkerProxy } from '../../coordinator/worker-api/caller.ts';

/** A server with one worker proxy and one caller, for tests of the proxy alone. */
export type WorkerProxyServer = {
  url: string;
  caller: Caller;
  /** Ends the caller's attempt. */
  end: () => void;
  /** The errors that the proxy threw after it had sent the response's head. */
  broken: unknown[];
  /** Requests in progress. */
  busy: () => number;
};

/** Serves a proxy to one caller on a free port, until the test ends. */
export async function serveWorkerProxy(
  t: ExecutionContext,
  proxy: WorkerProxy,
  task_id: string,
): Promise<WorkerProxyServer> {
  const attempt = new AbortController();
  let busy = 0;
  const broken: unknown[] = [];
  const caller: Caller = { task_id, user_id: '0000000000000000user', attempt: 1, signal: attempt.signal };
  const http = createServer((request, response) => {
    busy++;
    proxy
      .carry(request, response, caller, request.url ?? '/')
      .catch((error: unknown) => {
        if (!response.headersSent) return proxy.writeError?.(response, error, 'request-1');
        broken.push(error);
        response.destroy();
      })
      .finally(() => busy--);
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  t.teardown(async () => {
    const closed = once(http, 'close');
    http.close();
    http.closeAllConnections();
    await closed;
  });
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  return {
    url,
    caller,
    end: () => attempt.abort(new ErrandError('stale_attempt', 'The attempt has ended.')),
    broken,
    busy: () => busy,
  };
}
