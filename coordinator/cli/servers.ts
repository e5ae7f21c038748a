import { z } from 'zod';
import { Stored } from '../client/session.ts';

/** A server that somebody has logged in to. `login` is null after a log-out: the address and the e-mail stay. */
const KnownServer = z.object({
  name: z.string(),
  url: z.url(),
  email: z.string(),
  login: Stored.omit({ server: true, email: true }).nullable(),
});
export type KnownServer = z.infer<typeof KnownServer>;

/** The servers of a person, each by a name of its own. `current`: the name of the one that commands go to. */
export const Servers = z.object({ current: z.string().nullable(), servers: z.array(KnownServer) });
export type Servers = z.infer<typeof Servers>;

export const NO_SERVERS: Servers = { current: null, servers: [] };

/** The server with that name or address; of several with one address the current one. Without `wanted` the current one. */
export function findServer({ current, servers }: Servers, wanted: string | undefined): KnownServer | undefined {
  const named = servers.find(({ name }) => name === (wanted ?? current));
  if (named || wanted === undefined) return named;
  const at_address = servers.filter(({ url }) => url === readAddress(wanted));
  return at_address.find(({ name }) => name === current) ?? at_address[0];
}

/** With this server in place of the one that has its name, or as a new one. */
export function withServer({ current, servers }: Servers, server: KnownServer): Servers {
  const known = servers.some(({ name }) => name === server.name);
  const replaced = servers.map((each) => (each.name === server.name ? server : each));
  return { current, servers: known ? replaced : [...servers, server] };
}

export function withoutServer({ current, servers }: Servers, name: string): Servers {
  return { current: current === name ? null : current, servers: servers.filter((each) => each.name !== name) };
}

/** Without an account that is no more. */
export function withoutAccount({ current, servers }: Servers, { user_id }: { user_id: string }): Servers {
  const gone = servers.filter(({ login }) => login?.user_id === user_id).map(({ name }) => name);
  return gone.reduce(withoutServer, { current, servers });
}

/** A log-in as a client uses it; undefined where nobody is logged in. */
export function storedOf(server: KnownServer | undefined): Stored | undefined {
  return server?.login ? { server: server.url, email: server.email, ...server.login } : undefined;
}

/** A log-in as it is kept under a name. */
export function toServer(name: string, { server: url, email, ...login }: Stored): KnownServer {
  return { name, url, email, login };
}

/** A name for a server that was given none: its host, with the port where it has one. */
export function nameFor(url: string): string {
  return new URL(url).host;
}

/** An address as it is kept; undefined for what is none. */
export function readAddress(text: string): string | undefined {
  const url = URL.parse(text);
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') return undefined;
  return url.href.replace(/\/+$/, '');
}
