import type { ExecutionContext } from 'ava';
import { CommandLine } from './command-line.ts';
import { startCuttingProxy } from './cutting-proxy.ts';
import { PASSWORD, startApi } from './start-api.ts';

/** A server, and a command line that is logged in to it through a network that can be cut. */
export async function loggedIn(t: ExecutionContext, env: Record<string, string> = {}) {
  const server = await startApi(t, env);
  const network = await startCuttingProxy(t, server.url);
  const { api, session } = await server.person();
  const cli = await CommandLine.create(t);
  await cli.run(['login', '--server', network.url, '--email', session.user.email], { stdin: `${PASSWORD}\n` });
  return { server, network, api, session, cli };
}
