import { NotFound } from '../client/errors.ts';
import { confirm, YES_OPTION } from './ask.ts';
import { clientCommand } from './client-command.ts';
import { JSON_OPTION } from './command.ts';
import { EXIT } from './exit.ts';
import { print, printJson, rowColumns } from './io.ts';
import { rowLines } from './render/row.ts';

const REGISTERED = { settings: 'registered by the settings', app: 'has an app', no: 'not registered' } as const;

export const forges = clientCommand({
  name: 'forges',
  operands: [],
  summary: 'List the forges that the server knows; for its owner',
  options: { json: JSON_OPTION },
  run: async ({ values }, io, open) => {
    const client = await open();
    const { items } = await client.call('listForges', {});
    if (values.json === true) for (const forge of items) printJson(io, forge);
    else
      for (const { kind, origin, registered, can_make_app, install_url, webhook_url, app_fault } of items)
        print(io, [
          ...rowLines([['bold', origin], kind, REGISTERED[registered]], rowColumns(io)),
          ...(app_fault ? [[['red', app_fault] as const]] : []),
          ...(install_url === null ? [] : [[['dim', 'install it at: '] as const, ['command', install_url] as const]]),
          ...(webhook_url === null ? [] : [[['dim', 'webhooks go to: '] as const, webhook_url]]),
          ...(can_make_app === true
            ? [[['dim', 'make an app at: '] as const, ['command', `${client.server}/settings/server`] as const]]
            : []),
        ]);
    return EXIT.succeeded;
  },
});

export const forgetForge = clientCommand({
  name: 'forge forget',
  operands: ['ORIGIN'],
  summary: "Forget the server's app at a forge; for its owner",
  options: { yes: YES_OPTION },
  run: async ({ operands: [origin], values }, io, open) => {
    const client = await open();
    const { items } = await client.call('listForges', {});
    const found = items.find((forge) => [forge.origin, new URL(forge.origin).host].includes(origin));
    if (!found) throw new NotFound('forge', origin);
    await confirm(io, `People can then no longer sign in with ${found.origin}.`, values.yes);
    await client.call('deleteForgeApp', { params: { id: found.id } });
    print(io, [[`The app at ${found.origin} is forgotten. Delete it there, too.`]]);
    return EXIT.succeeded;
  },
});
