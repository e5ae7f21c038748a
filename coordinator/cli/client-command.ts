import { Client } from '../client/client.ts';
import { LoggedOut, NotFound } from '../client/errors.ts';
import { command, type Command, type Given, type Options, type Synopsis } from './command.ts';
import type { Io } from './io.ts';
import { findServer } from './servers.ts';

/** Which server a command goes to. */
export const SERVER_OPTION = {
  server: { type: 'string', placeholder: 'NAME', help: 'another server than the current one, by its name or address' },
} as const;

/** A command that somebody who is logged in gives to a server. `open` connects nothing yet, and rejects with `LoggedOut` where nobody is. */
export function clientCommand<const O extends Options, const P extends readonly string[]>(
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

/** The client of the server that is `wanted` by its name or address; else of ERRAND_SERVER; else of the current one. */
export async function openClient(io: Io, wanted: string | undefined = io.server): Promise<Client> {
  const servers = await io.servers.read();
  const server = findServer(servers, wanted);
  if (server) return Client.open(io.servers.session(server.name), io);
  if (wanted === undefined) throw new LoggedOut('You are not logged in.');
  throw new NotFound('server', wanted);
}
