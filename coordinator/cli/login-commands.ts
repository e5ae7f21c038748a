import { NotFound, Refusal } from '../client/errors.ts';
import { send } from '../client/http.ts';
import { toStored } from '../client/session.ts';
import { ask, askPassword } from './ask.ts';
import { SERVER_OPTION } from './client-command.ts';
import { command } from './command.ts';
import { EXIT } from './exit.ts';
import { print, type Io } from './io.ts';
import {
  findServer,
  nameFor,
  readAddress,
  storedOf,
  toServer,
  withoutServer,
  withServer,
  type KnownServer,
  type Servers,
} from './servers.ts';
import { UsageFailure } from './usage-failure.ts';

const SERVER_DEFAULT = 'http://127.0.0.1:8787';

export const login = command({
  name: 'login',
  operands: [],
  summary: 'Log in to a server, or make an account there',
  options: {
    server: {
      type: 'string',
      placeholder: 'URL',
      help: `the server's address or name (the current one, at first ${SERVER_DEFAULT})`,
    },
    name: { type: 'string', placeholder: 'NAME', help: "what to call the server from now on (its address's host)" },
    email: { type: 'string', placeholder: 'ADDRESS', help: 'asked for if it is not given' },
    signup: { type: 'boolean', help: 'make an account; the first one of a server owns it' },
  },
  run: async ({ values }, io) => {
    const servers = await io.servers.read();
    const { url, name, known } = await target(servers, values.server ?? io.server, values.name, io.signal);
    const signup = values.signup === true;
    const email = values.email ?? (await askEmail(io, signup ? undefined : known?.email));
    const password = await askPassword(io, { is_new: signup });
    const route = signup ? 'signup' : 'login';
    const session = await send(url, route, { body: { email, password } }, { user_agent: io.user_agent }, io.signal);
    await io.servers.update((before) => ({
      ...withServer(before, toServer(name, toStored(url, session))),
      current: name,
    }));
    print(io, [['You are logged in to ', ['bold', url], ` as ${session.user.email} (${session.user.role}).`]]);
    return EXIT.succeeded;
  },
});

export const logout = command({
  name: 'logout',
  operands: [],
  summary: 'Log out: the log-in ends on the server, too',
  options: {
    ...SERVER_OPTION,
    forget: { type: 'boolean', help: 'forget the address and the e-mail of the server, too' },
  },
  run: async ({ values }, io) => {
    const wanted = values.server ?? io.server;
    let left: KnownServer | undefined;
    await io.servers.update(async (servers) => {
      left = findServer(servers, wanted);
      if (!left) return servers;
      const stored = storedOf(left);
      if (stored) await endLogin(stored.server, stored.refresh_token, io.signal);
      return values.forget === true ? withoutServer(servers, left.name) : withServer(servers, { ...left, login: null });
    });
    if (!left && wanted !== undefined) throw new NotFound('server', wanted);
    print(io, [[left ? `You are logged out of ${left.url}.` : 'You are logged out.']]);
    return EXIT.succeeded;
  },
});

/** Resolves the server that the user named by address or name, and the name to keep it under. */
async function target(
  servers: Servers,
  wanted: string | undefined,
  wanted_name: string | undefined,
  signal: AbortSignal,
) {
  const found = findServer(servers, wanted);
  const typed = found?.url ?? readAddress(wanted ?? SERVER_DEFAULT);
  if (typed === undefined)
    throw new UsageFailure(
      `'${wanted}' is neither the name of a server nor an address: an address begins with http:// or https://.`,
    );
  refuseMoreThanAddress(typed);
  const url = await addressAfterRedirects(typed, signal);
  const same = found ?? findServer(servers, url);
  const name = wanted_name ?? same?.name ?? nameFor(url);
  const known = servers.servers.find((each) => each.name === name);
  if (known && known !== same && known.url !== url)
    throw new UsageFailure(`The name '${name}' is taken by ${known.url}: choose another with --name.`);
  return { url, name, known };
}

/** Where a server is after redirects, such as from http to https: asked without the password, and kept from then on. */
async function addressAfterRedirects(url: string, signal: AbortSignal): Promise<string> {
  let address = url;
  await send(url, 'healthz', {}, {}, signal, ({ server }) => (address = server));
  return address;
}

function refuseMoreThanAddress(text: string): void {
  const { username, search, hash } = new URL(text);
  if (username !== '' || search !== '' || hash !== '')
    throw new UsageFailure(`'${text}' is more than a server's address: leave out user name, query and fragment.`);
}

async function askEmail(io: Io, known: string | undefined): Promise<string> {
  if (known === undefined) return ask(io, 'E-mail: ');
  if (!io.stdin.isTTY) return known;
  return (await ask(io, `E-mail (${known}): `)).trim() || known;
}

/** Ends a log-in on the server. A log-in that the server does not know has already ended. */
async function endLogin(server: string, refresh_token: string, signal: AbortSignal): Promise<void> {
  try {
    await send(server, 'logout', { body: { refresh_token } }, {}, signal);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
  }
}
