import { ask, confirm, YES_OPTION } from './ask.ts';
import { Client } from '../client/client.ts';
import { command } from './command.ts';
import { Refusal } from '../client/errors.ts';
import { EXIT } from './exit.ts';
import { UsageFailure } from './usage-failure.ts';
import { send } from '../client/http.ts';
import { print, readSecret, type Io } from './io.ts';
import { toStored } from '../client/session.ts';

const SERVER_DEFAULT = 'http://127.0.0.1:8787';

export const login = command({
  name: 'login',
  operands: [],
  summary: 'Log in to a server, or make an account there',
  options: {
    server: {
      type: 'string',
      placeholder: 'URL',
      help: `the server's address (the last one, at first ${SERVER_DEFAULT})`,
    },
    email: { type: 'string', placeholder: 'ADDRESS', help: 'asked for where it is not given' },
    signup: { type: 'boolean', help: 'make an account; the first one of a server owns it' },
  },
  run: async ({ values }, io) => {
    const before = await io.session.read().catch(() => undefined);
    const server = serverOf(values.server ?? before?.server ?? SERVER_DEFAULT);
    const email = values.email ?? (await ask(io, 'E-mail: '));
    const password = await passwordOf(io, values.signup === true);
    const session = await send(
      server,
      values.signup === true ? 'signup' : 'login',
      { body: { email, password } },
      {},
      io.signal,
    );
    await io.session.locked(() => io.session.write(toStored(server, session)));
    print(io, [['You are logged in to ', ['bold', server], ` as ${session.user.email} (${session.user.role}).`]]);
    return EXIT.succeeded;
  },
});

export const logout = command({
  name: 'logout',
  operands: [],
  summary: 'Log out: the log-in ends on the server, too',
  options: {},
  run: async (_given, io) => {
    await io.session.locked(async () => {
      const stored = await io.session.read();
      if (stored) await end(stored.server, stored.refresh_token, io.signal);
      await io.session.remove();
    });
    print(io, [['You are logged out.']]);
    return EXIT.succeeded;
  },
});

export const removeAccount = command({
  name: 'account remove',
  operands: [],
  summary: 'Remove your account from the server, with your projects and errands',
  options: { yes: YES_OPTION },
  run: async ({ values }, io) => {
    const client = await Client.open(io.session, io.signal);
    const { email } = await client.call('me', {});
    await confirm(io, `Remove the account ${email}, with all its projects and errands?`, values.yes);
    await client.call('deleteMe', { body: { password: await passwordOf(io, false) } });
    await io.session.locked(() => io.session.remove());
    print(io, [['The account ', ['bold', email], ` is removed from ${client.server}.`]]);
    return EXIT.succeeded;
  },
});

/** Ends a log-in. One that the server no longer knows has ended already. */
async function end(server: string, refresh_token: string, signal: AbortSignal): Promise<void> {
  try {
    await send(server, 'logout', { body: { refresh_token } }, {}, signal);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
  }
}

async function passwordOf(io: Io, is_new: boolean): Promise<string> {
  if (io.password !== undefined) return io.password;
  if (!io.stdin.isTTY) return readSecret(io);
  const password = await ask(io, 'Password: ', true);
  if (is_new && (await ask(io, 'The same again: ', true)) !== password)
    throw new UsageFailure('The two passwords are not the same.');
  return password;
}

function serverOf(text: string): string {
  const url = URL.parse(text);
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
    throw new UsageFailure(`'${text}' is not a server's address: it begins with http:// or https://.`);
  if (url.username !== '' || url.search !== '' || url.hash !== '')
    throw new UsageFailure(`'${text}' holds more than a server's address.`);
  return url.href.replace(/\/+$/, '');
}
