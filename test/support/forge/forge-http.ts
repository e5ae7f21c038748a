import { NO_PROXY } from '../../../coordinator/base/outgoing.ts';
import { ThreadPool } from '../../../coordinator/base/threads.ts';
import { ForgeHttp } from '../../../coordinator/forge/forge-http.ts';
import type { Ends } from '../folder.ts';

/** Sends requests to these hosts, until the test ends. */
export function forgeHttp(
  t: Ends,
  hosts: string[],
  { threads = new ThreadPool(), proxy = NO_PROXY }: { threads?: ThreadPool; proxy?: typeof NO_PROXY } = {},
): ForgeHttp {
  const http = new ForgeHttp(hosts, proxy, threads);
  t.teardown(async () => {
    await http.close();
    await threads.close();
  });
  return http;
}
