import type { Config } from '../base/config.ts';
import type { Keys } from '../base/keys.ts';
import type { EventLog } from '../sqlite/event-log.ts';
import { readMeta } from '../sqlite/meta.ts';
import { AccessTokens } from './access-tokens.ts';
import { Accounts } from './accounts.ts';
import { ApiTokens } from './api-tokens.ts';
import { Authenticator } from './authenticator.ts';
import { ExternalLogins } from './external-logins.ts';
import { LinkCodes } from './link-codes.ts';
import { LinkLogins } from './link-logins.ts';
import { Limiter } from './limiter.ts';
import { Logins } from './logins.ts';
import { Passwords } from './passwords.ts';
import { People } from './people.ts';
import { Sessions } from './sessions.ts';
import { setupCode } from './setup-code.ts';
import { Tickets } from './tickets.ts';

type Dependencies = {
  config: Pick<Config, 'signup' | 'git_token_users' | 'public_url'>;
  log: EventLog;
  keys: Keys;
  /** An address at which other devices of the network reach the server now. */
  networkUrl?: () => string | undefined;
  passwords?: Passwords;
  /** Milliseconds since 1970. */
  now?: () => number;
};

/** Accounts and log-ins, for the HTTP API and the socket. */
export type Auth = {
  logins: Logins;
  link_logins: LinkLogins;
  external_logins: ExternalLogins;
  people: People;
  accounts: Accounts;
  api_tokens: ApiTokens;
  sessions: Sessions;
  authenticator: Authenticator;
};

/** Puts the parts together. They hold no handle: there is nothing to close. */
export function createAuth({
  config,
  log,
  keys,
  networkUrl = () => undefined,
  passwords = new Passwords(),
  now = Date.now,
}: Dependencies): Auth {
  const instance = readMeta(log.db, 'instance');
  const access_tokens = new AccessTokens(keys.access, instance, now);
  const limiter = new Limiter(log, now);
  const sessions = new Sessions(log, keys, now);
  const api_tokens = new ApiTokens(log, now);
  const authenticator = new Authenticator({ access_tokens, api_tokens, sessions, tickets: new Tickets(now), now });
  const links = new LinkCodes(log, { public_url: config.public_url, networkUrl }, now);
  const setup_code = setupCode(keys, instance);
  const logins = new Logins({ log, config, setup_code, access_tokens, limiter, links, passwords, sessions, now });
  const accounts = new Accounts({ log, authenticator, limiter, passwords, sessions });
  return {
    logins,
    link_logins: new LinkLogins({ log, links, limiter, logins, sessions, now }),
    external_logins: new ExternalLogins({ log, keys, authenticator, limiter, logins, sessions, now }),
    people: new People({ log, accounts, sessions, links, now }),
    accounts,
    api_tokens,
    sessions,
    authenticator,
  };
}
