import { z } from 'zod';
import type { Stored } from '../client/session.ts';

/** A log-in as the file has it. */
export const StoredLogin = z.object({
  server: z.url(),
  user_id: z.string(),
  email: z.string(),
  access_token: z.string(),
  refresh_token: z.string(),
  expires_at_ms: z.number(),
}) satisfies z.ZodType<Stored>;

/** A server that the user has logged in to. After a log-out `login` is null, and the address and the e-mail stay. */
const KnownServer = z.object({
  name: z.string(),
  url: z.url(),
  email: z.string(),
  login: StoredLogin.omit({ server: true, email: true }).nullable(),
});
export type KnownServer = z.infer<typeof KnownServer>;

/** The known servers; names are unique. `current`: the name of the server that commands go to. */
export const Servers = z.object({ current: z.string().nullable(), servers: z.array(KnownServer) });
export type Servers = z.infer<typeof Servers>;

export const NO_SERVERS: Servers = { current: null, servers: [] };

/**
 * Finds a server by its name or address; by default the current one. Of several at one address the current one is
 * preferred.
 */
export function findServer({ current, servers }: Servers, wanted: string | undefined): KnownServer | undefined {
  const named = servers.find(({ name }) => name === (wanted ?? current));
  if (named || wanted === undefined) return named;
  const at_address = servers.filter(({ url }) => url === readAddress(wanted));
  return at_address.find(({ name }) => name === current) ?? at_address[0];
}

/** Adds a server, or replaces the one with the same name. */
export function withServer({ current, servers }: Servers, server: KnownServer): Servers {
  const known = servers.some(({ name }) => name === server.name);
  const replaced = servers.map((each) => (each.name === server.name ? server : each));
  return { current, servers: known ? replaced : [...servers, server] };
}

export function withoutServer({ current, servers }: Servers, name: string): Servers {
  return { current: current === name ? null : current, servers: servers.filter((each) => each.name !== name) };
}

/** Removes the servers where this account was logged in. */
export function withoutAccount({ current, servers }: Servers, { user_id }: { user_id: string }): Servers {
  const gone = servers.filter(({ login }) => login?.user_id === user_id).map(({ name }) => name);
  return gone.reduce(withoutServer, { current, servers });
}

/** The log-in in the form that the client uses; undefined if there is none. */
export function storedOf(server: KnownServer | undefined): Stored | undefined {
  return server?.login ? { server: server.url, email: server.email, ...server.login } : undefined;
}

/** A log-in in the form that the file keeps. */
export function toServer(name: string, { server: url, email, ...login }: Stored): KnownServer {
  return { name, url, email, login };
}

/** The default name of a server: its host, with its port. */
export function nameFor(url: string): string {
  return new URL(url).host;
}

/** Normalises a server's address; undefined if it is not an http or https address. */
export function readAddress(text: string): string | undefined {
  const url = URL.parse(text);
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') return undefined;
  return url.href.replace(/\/+$/, '');
}
