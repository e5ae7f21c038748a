import type { PEOPLE_ROUTES } from '../../protocol/people-routes.ts';
import type { Auth } from '../auth/auth.ts';
import type { Grants } from '../forge/accounts/grants.ts';
import type { Handlers } from './router.ts';
import { pageOf } from './page.ts';

/** How the owner manages the people of the server. */
export function peopleHandlers({ people }: Auth, grants: Grants): Pick<Handlers, keyof typeof PEOPLE_ROUTES> {
  return {
    listPeople: ({ who, query: { cursor, limit } }) => pageOf(people.list(who, cursor, limit + 1), limit),
    blockPerson: ({ who, params, client }) => people.block(who, params.id, client),
    unblockPerson: ({ who, params, client }) => people.unblock(who, params.id, client),
    removePerson: async ({ who, params, client }) => {
      await grants.whileRemoving(params.id, () => people.remove(who, params.id, client));
      return undefined;
    },
    createInvite: ({ who, body, client }) => people.invite(who, body.expires_in_days, client),
    listInvites: ({ who }) => ({ items: people.invites(who) }),
    deleteInvite: ({ who, params, client }) => {
      people.revokeInvite(who, params.id, client);
      return undefined;
    },
  };
}
