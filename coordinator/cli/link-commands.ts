import type { Client } from '../client/client.ts';
import { Failure, NotFound, Refusal } from '../client/errors.ts';
import type { DeviceStarted } from '../../protocol/forges.ts';
import { askPassword } from './ask.ts';
import { clientCommand } from './client-command.ts';
import { JSON_OPTION } from './command.ts';
import { signInByCode } from './device-sign-in.ts';
import { EXIT } from './exit.ts';
import { print, printJson, printRows, type Io } from './io.ts';
import { PROGRAM } from './render/program.ts';
import { oneLine } from './render/text.ts';

export const links = clientCommand({
  name: 'links',
  operands: [],
  summary: 'List your linked accounts',
  options: { json: JSON_OPTION },
  run: async ({ values }, io, open) => {
    const { items } = await (await open()).call('listLinkedAccounts', {});
    if (values.json === true) for (const account of items) printJson(io, account);
    else if (items.length === 0) print(io, [['No linked accounts. Link one with: ', ['command', `${PROGRAM} link`]]]);
    else
      printRows(
        io,
        items.map(({ name, login, fault }) => [
          ['bold', oneLine(login, 40)],
          name,
          fault === null ? ['dim', 'works'] : ['red', fault],
        ]),
      );
    return EXIT.succeeded;
  },
});

export const link = clientCommand({
  name: 'link',
  operands: ['[FORGE]'],
  summary: 'Link your account at GitHub: type a code in a browser, on any device',
  options: {},
  run: async ({ operands: [name] }, io, open) => {
    const client = await open();
    const params = { id: await deviceWay(client, name) };
    const started = await startLink(io, client, params).catch((error: unknown) => refused(error, client));
    const account = await signInByCode(io, started, async () => {
      const polled = await client.call('finishDeviceLink', { body: { flow: started.flow } });
      return { done: polled.account, interval_s: polled.interval_s };
    });
    print(io, [[['bold', account.login], ` at ${account.name} is linked.`]]);
    return EXIT.succeeded;
  },
});

export const unlink = clientCommand({
  name: 'unlink',
  operands: ['LOGIN'],
  summary: 'Unlink an account, by its login or forge',
  options: {},
  run: async ({ operands: [wanted] }, io, open) => {
    const client = await open();
    const { items } = await client.call('listLinkedAccounts', {});
    const found = items.filter(({ login, name }) => [login, name, `${name}/${login}`].includes(wanted));
    const [account] = found;
    if (!account) throw new NotFound('linked account', wanted);
    if (found.length > 1)
      throw new Failure(
        `There are ${found.length} of these: ${found.map(({ name, login }) => `${name}/${login}`).join(', ')}.`,
      );
    await client.call('deleteLinkedAccount', { params: { id: account.id } });
    print(io, [[['bold', account.login], ` at ${account.name} is unlinked.`]]);
    return EXIT.succeeded;
  },
});

/** Begins to link. The password is asked for only where the server needs it. */
async function startLink(io: Io, client: Client, params: { id: string }): Promise<DeviceStarted> {
  try {
    return await client.call('startDeviceLink', { params, body: {} });
  } catch (error) {
    const asks = error instanceof Refusal && error.errors.some(({ field }) => field === '/password');
    if (!asks) throw error;
    return client.call('startDeviceLink', { params, body: { password: await askPassword(io) } });
  }
}

/** The way to sign in by a code; by default the only one. */
async function deviceWay(client: Client, name: string | undefined): Promise<string> {
  const { items } = await client.call('listSignInWays', {});
  const found = items.filter((way) => way.device && (name === undefined || [way.name, way.kind].includes(name)));
  const [way] = found;
  if (!way) throw new Failure(noWay(name));
  if (found.length > 1) throw new Failure(`Name one of these: ${found.map((each) => each.name).join(', ')}.`);
  return way.id;
}

/** An app at GitHub allows codes only where its owner has switched them on. The web needs none. */
function refused(error: unknown, { server }: Client): never {
  if (!(error instanceof Refusal && error.code === 'conflict')) throw error;
  throw new Failure(`${error.message} Or link the account in a browser: ${server}/settings/accounts`, { cause: error });
}

function noWay(name: string | undefined): string {
  return `This server has no ${name ?? 'forge'} to sign in with by a code. The app in the browser may have other ways: its settings, "Linked accounts".`;
}
