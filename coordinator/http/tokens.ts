import type { Auth } from '../auth/auth.ts';
import type { EventLog } from '../sqlite/event-log.ts';
import type { Handlers } from './router.ts';
import { pageOf } from './page.ts';

type TokenRoute = 'createToken' | 'listTokens' | 'deleteToken';

/** API tokens. */
export function tokenHandlers(log: EventLog, { api_tokens, sessions }: Auth): Pick<Handlers, TokenRoute> {
  return {
    createToken: ({ who, body, audit }) =>
      log.write((tx) => {
        const made = api_tokens.create(tx, who.user_id, body);
        const { id, name, scopes, expires_at } = made;
        audit(tx, { action: 'token.created', subject: id, detail: { name, scopes, expires_at } });
        return made;
      }),
    listTokens: ({ who, query: { cursor, limit } }) => pageOf(api_tokens.list(who.user_id, cursor, limit + 1), limit),
    deleteToken: ({ who, params, audit }) => {
      log.write(
        (tx) => {
          api_tokens.revoke(tx, who.user_id, params.id);
          sessions.announceEnd(tx, params.id);
          audit(tx, { action: 'token.revoked', subject: params.id });
        },
        { urgent: true },
      );
      return undefined;
    },
  };
}
