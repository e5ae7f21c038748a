import type { Auth } from '../auth/auth.ts';
import { WS_TICKET_S } from '../auth/tickets.ts';
import type { Grants } from '../forge/accounts/grants.ts';
import type { EventLog } from '../sqlite/event-log.ts';
import { monthOfPerson, type SpendingCaps } from '../tasks/spending-caps.ts';
import type { Handlers } from './router.ts';
import { pageOf } from './page.ts';

type AccountRoute =
  | 'signup'
  | 'login'
  | 'linkLogin'
  | 'createLoginLink'
  | 'refresh'
  | 'logout'
  | 'me'
  | 'deleteMe'
  | 'changePassword'
  | 'listSessions'
  | 'patchSession'
  | 'deleteSession'
  | 'resetPassword'
  | 'wsTicket';

/** Accounts and log-ins. */
export function accountHandlers(
  { logins, link_logins, accounts, sessions, authenticator }: Auth,
  grants: Grants,
  { log, config }: { log: EventLog; config: SpendingCaps },
): Pick<Handlers, AccountRoute> {
  return {
    signup: ({ body, client }) => logins.signup(body, client),
    login: ({ body, client }) => logins.login(body, client),
    linkLogin: ({ body, client }) => link_logins.redeem(body.code, client),
    createLoginLink: ({ who, client }) => link_logins.create(who, client),
    refresh: ({ body, client }) => logins.refresh(body.refresh_token, client),
    logout: ({ body }) => {
      logins.logout(body.refresh_token);
      return undefined;
    },
    me: ({ who }) => ({ ...accounts.me(who), ...monthOfPerson(log.db, config, who.user_id) }),
    deleteMe: async ({ who, body, client }) => {
      await grants.whileRemoving(who.user_id, () => accounts.remove(who, body.password, client));
      return undefined;
    },
    changePassword: async ({ who, body, client }) => {
      await accounts.changePassword(who, body, client);
      return undefined;
    },
    listSessions: ({ who, query: { cursor, limit } }) => pageOf(sessions.list(who, cursor, limit + 1), limit),
    patchSession: ({ who, params, body }) => {
      sessions.name(who.user_id, params.id, body.name);
      return undefined;
    },
    deleteSession: ({ who, params }) => {
      sessions.endOne(who.user_id, params.id);
      return undefined;
    },
    resetPassword: ({ who, body, client }) => accounts.resetPasswordOf(who, body.email, client),
    wsTicket: ({ who }) => ({ ticket: authenticator.issueTicket(who), expires_in: WS_TICKET_S }),
  };
}
