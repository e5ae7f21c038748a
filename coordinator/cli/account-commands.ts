import { findSession, shortIds } from '../client/find.ts';
import { allSessions } from '../client/lists.ts';
import { askFirstPassword, askPassword, askPasswordChange, confirm, YES_OPTION } from './ask.ts';
import { clientCommand } from './client-command.ts';
import { JSON_OPTION } from './command.ts';
import { EXIT } from './exit.ts';
import { leftBehind } from './left-behind.ts';
import { print, printJson, printRows } from './io.ts';
import { localTime } from './render/format.ts';
import { oneLine } from './render/text.ts';
import { withoutAccount } from './servers.ts';

export const password = clientCommand({
  name: 'password',
  operands: [],
  summary: 'Change your password, or set the first one; all your other log-ins end',
  options: {
    for: { type: 'string', placeholder: 'EMAIL', help: 'as the owner: give somebody else a new, random password' },
  },
  run: async ({ values }, io, open) => {
    const client = await open();
    if (values.for === undefined) {
      const me = await client.call('me', {});
      const { has_password } = me;
      const body = has_password === false ? await askFirstPassword(io) : await askPasswordChange(io);
      await client.call('changePassword', { body });
      print(io, [[`The password is ${has_password === false ? 'set' : 'changed'}. Your other log-ins have ended.`]]);
      // The password is changed, whatever comes of this.
      print(io, await leftBehind(client, me).catch(() => [['What else is still there could not be looked up.']]));
    } else {
      const reset = await client.call('resetPassword', { body: { email: values.for } });
      print(io, [
        ['The new password of ', ['bold', reset.email], ' is ', ['command', reset.password]],
        ['It is shown only now. All log-ins of that account have ended.'],
      ]);
    }
    return EXIT.succeeded;
  },
});

export const sessions = clientCommand({
  name: 'sessions',
  operands: [],
  summary: 'List your log-ins on the server',
  options: { json: JSON_OPTION },
  run: async ({ values }, io, open) => {
    const client = await open();
    const items = await allSessions(client);
    const ids = shortIds(items);
    if (values.json === true) for (const session of items) printJson(io, session);
    else
      printRows(
        io,
        items.map(({ id, last_used_at, user_agent, address, current, name }) => [
          ['bold', ids.get(id) ?? id],
          localTime(last_used_at),
          [oneLine(name ?? user_agent ?? 'unknown client', 60), `from ${address ?? 'an unknown address'}`].join(', '),
          ...(current ? [['green', 'this one'] as const] : []),
        ]),
      );
    return EXIT.succeeded;
  },
});

export const revokeSession = clientCommand({
  name: 'session revoke',
  operands: ['ID'],
  summary: 'End one of your log-ins, such as that of a lost phone',
  options: {},
  run: async ({ operands: [part] }, io, open) => {
    const client = await open();
    await client.call('deleteSession', { params: { id: await findSession(client, part) } });
    print(io, [['The log-in has ended.']]);
    return EXIT.succeeded;
  },
});

export const removeAccount = clientCommand({
  name: 'account remove',
  operands: [],
  summary: 'Remove your account from the server, with your projects and errands',
  options: { yes: YES_OPTION },
  run: async ({ values }, io, open) => {
    const client = await open();
    const { email, has_password } = await client.call('me', {});
    await confirm(io, `Remove the account ${email}, with all its projects and errands?`, values.yes);
    await client.call('deleteMe', { body: has_password === false ? {} : { password: await askPassword(io) } });
    await io.servers.update((before) => withoutAccount(before, client));
    print(io, [['The account ', ['bold', email], ` is removed from ${client.server}.`]]);
    return EXIT.succeeded;
  },
});
