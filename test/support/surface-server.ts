import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ExecutionContext } from 'ava';
import { ErrandError } from '../../protocol/problem.ts';
import type { Caller, WorkerProxy } from '../../coordinator/worker-api/caller.ts';

/** The internal listener reduced to one surface and one caller: what is not about either stays out of a surface's tests. */
export type SurfaceServer = {
  url: string;
  caller: Caller;
  /** Ends the caller's attempt. */
  end: () => void;
  /** What the surface threw once its answer had begun. */
  broken: unknown[];
  /** Requests that the surface has not done with. */
  busy: () => number;
};

/** Serves a surface to one caller on a port of its own, until the test ends. */
export async function serveSurface(t: ExecutionContext, surface: WorkerProxy, task_id: string): Promise<SurfaceServer> {
  const attempt = new AbortController();
  let busy = 0;
  const broken: unknown[] = [];
  const caller: Caller = { task_id, user_id: '0000000000000000user', attempt: 1, signal: attempt.signal };
  const http = createServer((request, response) => {
    busy++;
    surface
      .carry(request, response, caller, request.url ?? '/')
      .catch((error: unknown) => {
        if (!response.headersSent) return surface.writeError?.(response, error, 'request-1');
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
