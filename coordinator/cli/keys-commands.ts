import { clientCommand } from './client-command.ts';
import { EXIT } from './exit.ts';
import { print } from './io.ts';

export const rotateKeys = clientCommand({
  name: 'keys rotate',
  operands: [],
  summary: 'As the owner: make new keys to sign tokens with; nobody is logged out',
  options: {},
  run: async (_, io, open) => {
    const client = await open();
    const { id } = await client.call('rotateKeys', {});
    print(io, [
      ['The server signs with the keys ', ['bold', id], '. What the earlier ones signed stays valid until it expires.'],
    ]);
    return EXIT.succeeded;
  },
});
