import type { User } from '../../protocol/accounts.ts';
import type { Client } from '../client/client.ts';
import { allChannels } from '../client/lists.ts';
import type { Line } from './render/line.ts';
import { PROGRAM } from './render/program.ts';

/** What a new password does not end, with the command that lists it: somebody else may have left it. */
export async function leftBehind(client: Client, { role }: Pick<User, 'role'>): Promise<Line[]> {
  const [links, channels, invites] = await Promise.all([
    client.call('listLinkedAccounts', {}),
    allChannels(client),
    role === 'owner' ? client.call('listInvites', {}) : { items: [] },
  ]);
  const elsewhere = channels.filter(({ kind }) => kind !== 'push');
  const left = [
    [links.items.length, 'linked account', 'links'],
    [elsewhere.length, 'notification channel', 'notify'],
    [invites.items.length, 'invitation', 'invites'],
  ] as const;
  return left
    .filter(([n]) => n > 0)
    .map(([n, what, command]) => [
      `Still there: ${n} ${what}${n === 1 ? '' : 's'}. See `,
      ['command', `${PROGRAM} ${command}`],
    ]);
}
