import type { Session } from '../../protocol/accounts.ts';
import { Failure, hasEnded, NotFound } from '../client/errors.ts';
import { send } from '../client/http.ts';
import { toStored } from '../client/session.ts';
import { ask, askPassword } from './ask.ts';
import { SERVER_OPTION } from './client-command.ts';
import { command } from './command.ts';
import { signInByCode } from './device-sign-in.ts';
import { EXIT } from './exit.ts';
import { print, type Io } from './io.ts';
import { PROGRAM } from './render/program.ts';
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

const NAME_OPTION = {
  type: 'string',
  placeholder: 'NAME',
  help: "what to call the server from now on (its address's host)",
} as const;
const EMAIL_OPTION = { type: 'string', placeholder: 'ADDRESS', help: 'asked for if it is not given' } as const;
/** The kinds of forges that one can log in with by a code: an option each, and its name. */
const BY_CODE = { github: 'GitHub' } as const;

export const signup = command({
  name: 'signup',
  operands: ['LINK'],
  summary:
    'Make an account on a server, with the link that it shows or an invitation; or with its address, if sign-up is open',
  options: { name: NAME_OPTION, email: EMAIL_OPTION },
  run: async ({ operands: [link], values }, io) => {
    const { address, code } = readLink(link);
    if (code?.kind === 'login')
      throw new UsageFailure(`This link logs in to an account: ${PROGRAM} login --server ${link}`);
    const { url, name } = await target(await io.servers.read(), address, values.name, io.signal);
    await io.servers.requireWritable();
    const email = values.email ?? (await ask(io, 'E-mail: '));
    const password = await askPassword(io, { is_new: true });
    const body = {
      email,
      password,
      ...(code?.kind === 'setup' && { setup_code: code.text }),
      ...(code?.kind === 'invite' && { invite: code.text }),
    };
    await keep(io, name, url, await send(url, 'signup', { body }, { user_agent: io.user_agent }, io.signal));
    return EXIT.succeeded;
  },
});

export const login = command({
  name: 'login',
  operands: [],
  summary: 'Log in to a server',
  options: {
    server: {
      type: 'string',
      placeholder: 'URL',
      help: `the server's address or name, or a log-in link (the current one, at first ${SERVER_DEFAULT})`,
    },
    name: NAME_OPTION,
    email: EMAIL_OPTION,
    github: {
      type: 'boolean',
      help: `with your account at ${BY_CODE.github}: type a code in a browser, on any device`,
    },
  },
  run: async ({ values }, io) => {
    const servers = await io.servers.read();
    const link = values.server ?? io.server;
    const { address, code } = readLink(link);
    if (code !== undefined && code.kind !== 'login')
      throw new UsageFailure(`This link makes an account: ${PROGRAM} signup ${link}`);
    const { url, name, known } = await target(servers, address, values.name, io.signal);
    await io.servers.requireWritable();
    if (code?.kind === 'login') {
      const body = { code: code.text };
      await keep(io, name, url, await send(url, 'linkLogin', { body }, { user_agent: io.user_agent }, io.signal));
      return EXIT.succeeded;
    }
    if (values.github === true) {
      await keep(io, name, url, await signInWith('github', io, url));
      return EXIT.succeeded;
    }
    const email = values.email ?? (await askEmail(io, known?.email));
    const body = { email, password: await askPassword(io) };
    await keep(io, name, url, await send(url, 'login', { body }, { user_agent: io.user_agent }, io.signal));
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

/** Signs in with a forge of this kind by a code. */
async function signInWith(wanted: keyof typeof BY_CODE, io: Io, url: string): Promise<Session> {
  const headers = { user_agent: io.user_agent };
  const { items } = await send(url, 'listSignInWays', {}, headers, io.signal);
  const way = items.find(({ kind, device }) => kind === wanted && device);
  const name = BY_CODE[wanted];
  if (!way)
    throw new Failure(`Nobody can sign in with ${name} on this server: its owner can make a ${name} App for it.`);
  const started = await send(url, 'startDeviceSignIn', { params: { id: way.id }, body: {} }, headers, io.signal);
  return signInByCode(io, started, async () => {
    const body = { flow: started.flow };
    const { session, interval_s } = await send(url, 'finishDeviceSignIn', { body }, headers, io.signal);
    return { done: session, interval_s };
  });
}

/** Keeps a new log-in, at what is the current server from now on. */
async function keep(io: Io, name: string, url: string, session: Session): Promise<void> {
  await io.servers.update((before) => ({
    ...withServer(before, toServer(name, toStored(url, session))),
    current: name,
  }));
  print(io, [['You are logged in to ', ['bold', url], ` as ${session.user.email} (${session.user.role}).`]]);
}

/** The code in a link: for a server's first account, of an invitation, or to log in. */
const CODE = /#(setup|invite|login)=(.*)$/;
const LONE_CODE = /^[\w-]{20,40}$/;

type LinkCode = { kind: string; text: string };

/** The address in a link that a server shows, and its code; or what was typed, as it is. */
function readLink<T extends string | undefined>(link: T): { address: T | string; code?: LinkCode } {
  const [hash, kind, text] = CODE.exec(link ?? '') ?? [];
  if (link === undefined || hash === undefined || kind === undefined || text === undefined) return { address: link };
  return { address: link.slice(0, -hash.length), code: { kind, text } };
}

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
      LONE_CODE.test(wanted ?? '')
        ? 'A code alone does not say which server it is for: give the whole link, such as https://HOST/#invite=CODE.'
        : `'${wanted}' is neither the name of a server nor an address: an address begins with http:// or https://.`,
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
    if (!hasEnded(error)) throw error;
  }
}
