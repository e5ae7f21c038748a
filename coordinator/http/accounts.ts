import { LIMITS } from '../../protocol/limits.ts';
import type { Auth } from '../auth/auth.ts';
import type { Signals } from '../tasks/signals.ts';
import type { Handlers } from './bind.ts';

type Accounts = 'signup' | 'login' | 'refresh' | 'logout' | 'me' | 'deleteMe' | 'wsTicket';

/** Accounts and log-ins. */
export function accountHandlers({ auth, signals }: { auth: Auth; signals: Signals }): Pick<Handlers, Accounts> {
  return {
    signup: ({ body, address }) => auth.signup(body, address),
    login: ({ body, address }) => auth.login(body, address),
    refresh: ({ body }) => auth.refresh(body.refresh_token),
    logout: ({ body }) => {
      auth.logout(body.refresh_token);
      return undefined;
    },
    me: ({ who }) => auth.me(who),
    deleteMe: async ({ who, body, address }) => {
      await auth.remove(who, body.password, address, signals);
      return undefined;
    },
    wsTicket: ({ who }) => ({ ticket: auth.issueTicket(who), expires_in: LIMITS.ws_ticket_s }),
  };
}
