import { findInvite, findPerson, shortIds } from '../client/find.ts';
import { allPeople } from '../client/lists.ts';
import { linkFor } from '../client/one-time-link.ts';
import { confirm, YES_OPTION } from './ask.ts';
import { clientCommand } from './client-command.ts';
import { JSON_OPTION, numberOf } from './command.ts';
import { EXIT } from './exit.ts';
import { print, printJson, printRows } from './io.ts';
import { printLink } from './print-link.ts';
import { localTime, money } from './render/format.ts';
import { oneLine } from './render/text.ts';

/* People: a further device of one's own, and for the owner everybody on the server. */

export const qr = clientCommand({
  name: 'qr',
  operands: [],
  summary: 'Log your phone in: shows a link that works once, as a QR code',
  options: { json: JSON_OPTION },
  run: async ({ values }, io, open) => {
    const client = await open();
    const made = await client.call('createLoginLink', {});
    const link = linkFor(made, client.server);
    if (values.json === true) printJson(io, { ...made, link });
    else printLink(io, link, 'logs one device in to your account', made.expires_at);
    return EXIT.succeeded;
  },
});

export const people = clientCommand({
  name: 'people',
  operands: [],
  summary: 'As the owner: list the people of the server',
  options: { json: JSON_OPTION },
  run: async ({ values }, io, open) => {
    const items = await allPeople(await open());
    if (values.json === true) for (const person of items) printJson(io, person);
    else
      printRows(
        io,
        items.map(({ email, role, blocked_at, last_used_at, month_usd, errands }) => [
          ['bold', oneLine(email, 60)],
          role,
          `${money(month_usd)} this month, ${errands} open`,
          ['dim', last_used_at === null ? 'no device' : `last used ${localTime(last_used_at)}`],
          ...(blocked_at === null ? [] : [['red', 'blocked'] as const]),
        ]),
      );
    return EXIT.succeeded;
  },
});

export const block = clientCommand({
  name: 'person block',
  operands: ['EMAIL'],
  summary: 'As the owner: end all that a person does here, until you unblock them',
  options: { yes: YES_OPTION },
  run: async ({ operands: [email], values }, io, open) => {
    const client = await open();
    const { id } = await findPerson(client, email);
    await confirm(io, `Block ${email}? Their log-ins, API tokens and errands end at once.`, values.yes);
    await client.call('blockPerson', { params: { id } });
    print(io, [[['bold', email], ' is blocked. What their errands had done is pushed.']]);
    return EXIT.succeeded;
  },
});

export const unblock = clientCommand({
  name: 'person unblock',
  operands: ['EMAIL'],
  summary: 'As the owner: let a blocked person log in again',
  options: {},
  run: async ({ operands: [email] }, io, open) => {
    const client = await open();
    const { id } = await findPerson(client, email);
    await client.call('unblockPerson', { params: { id } });
    print(io, [[['bold', email], ' may log in again.']]);
    return EXIT.succeeded;
  },
});

export const removePerson = clientCommand({
  name: 'person remove',
  operands: ['EMAIL'],
  summary: 'As the owner: delete an account, with all its projects and errands',
  options: { yes: YES_OPTION },
  run: async ({ operands: [email], values }, io, open) => {
    const client = await open();
    const { id } = await findPerson(client, email);
    const words = 'Their errands are stopped, and deleted with their projects and logs. Pushed branches stay.';
    await confirm(io, `Remove ${email}? ${words}`, values.yes);
    await client.call('removePerson', { params: { id } });
    print(io, [['The account ', ['bold', email], ' is removed.']]);
    return EXIT.succeeded;
  },
});

export const invite = clientCommand({
  name: 'invite',
  operands: [],
  summary: 'As the owner: make a link by which one person can sign up',
  options: {
    days: { type: 'string', placeholder: 'N', help: 'how long it is valid (7)' },
    json: JSON_OPTION,
  },
  run: async ({ values }, io, open) => {
    const expires_in_days = numberOf('days', values.days);
    const client = await open();
    const body = expires_in_days === undefined ? {} : { expires_in_days };
    const made = await client.call('createInvite', { body });
    const link = linkFor(made, client.server);
    if (values.json === true) printJson(io, { ...made, link });
    else printLink(io, link, 'lets one person sign up', made.expires_at);
    return EXIT.succeeded;
  },
});

export const invites = clientCommand({
  name: 'invites',
  operands: [],
  summary: 'As the owner: list the invitations that were not used',
  options: { json: JSON_OPTION },
  run: async ({ values }, io, open) => {
    const { items } = await (await open()).call('listInvites', {});
    const ids = shortIds(items);
    if (values.json === true) for (const each of items) printJson(io, each);
    else
      printRows(
        io,
        items.map(({ id, created_at, expires_at }) => [
          ['bold', ids.get(id) ?? id],
          `made ${localTime(created_at)}, valid until ${localTime(expires_at)}`,
        ]),
      );
    return EXIT.succeeded;
  },
});

export const revokeInvite = clientCommand({
  name: 'invite revoke',
  operands: ['ID'],
  summary: 'As the owner: revoke an invitation',
  options: {},
  run: async ({ operands: [part] }, io, open) => {
    const client = await open();
    await client.call('deleteInvite', { params: { id: await findInvite(client, part) } });
    print(io, [['The invitation is revoked.']]);
    return EXIT.succeeded;
  },
});
