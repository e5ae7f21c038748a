import { Client } from '../client/client.ts';
import { Failure, LoggedOut, NotFound } from '../client/errors.ts';
import { command, type Command, type Given, type CommandOptions, type Synopsis } from './command.ts';
import type { Io } from './io.ts';
import { openSocket } from './open-socket.ts';
import { findServer, readAddress } from './servers.ts';

/** Which server a command goes to. */
export const SERVER_OPTION = {
  server: { type: 'string', placeholder: 'NAME', help: 'another server than the current one, by its name or address' },
} as const;

/**
 * A command that needs a log-in. `open` makes the client, without a request yet; it rejects with `LoggedOut` if there
 * is no log-in.
 */
export function clientCommand<const O extends CommandOptions, const P extends readonly string[]>(
  spec: Synopsis<string, P> & {
    options: O;
    run: (given: Given<O, P>, io: Io, open: () => Promise<Client>) => Promise<number>;
  },
): Command {
  return command({
    ...spec,
    options: { ...spec.options, ...SERVER_OPTION },
    run: (given, io) => spec.run(given, io, () => openClient(io, given.values.server)),
  });
}

/**
 * The client of the server that `wanted` names; by default of ERRAND_SERVER, and then of the current server. With
 * ERRAND_TOKEN it needs no log-in there.
 */
export async function openClient(io: Io, wanted: string | undefined = io.server): Promise<Client> {
  const servers = await io.servers.read();
  const server = findServer(servers, wanted);
  const url = server?.url ?? (wanted === undefined ? undefined : readAddress(wanted));
  if (io.token !== undefined && url !== undefined) return Client.withToken(url, io.token, { ...io, openSocket });
  if (server) return Client.open(io.servers.session(server.name), { ...io, openSocket });
  if (url !== undefined) throw new LoggedOut(`You are not logged in to ${url}, and ERRAND_TOKEN is not set.`);
  if (wanted !== undefined) throw new NotFound('server', wanted);
  if (io.token !== undefined)
    throw new Failure('ERRAND_TOKEN is set, but no server: set ERRAND_SERVER to its address.');
  throw new LoggedOut('You are not logged in.');
}
