import { newId } from '../../protocol/ids.ts';
import type { ServerState } from '../../protocol/server.ts';
import type { Accounts } from '../auth/accounts.ts';
import type { Config } from '../base/config.ts';
import { rotateKeys, type Keys } from '../base/keys.ts';
import { listAudit } from '../sqlite/audit.ts';
import type { EventLog } from '../sqlite/event-log.ts';
import type { Handlers } from './router.ts';

type OwnerHandlerDependencies = {
  config: Pick<Config, 'data_dir' | 'in_force'>;
  log: EventLog;
  keys: Keys;
  accounts: Accounts;
  status: { read: () => Promise<ServerState> };
};

/** What the server's owner alone may do. */
export function ownerHandlers({
  config,
  log,
  keys,
  accounts,
  status,
}: OwnerHandlerDependencies): Pick<Handlers, 'listAudit' | 'rotateKeys' | 'getServer' | 'listSettings'> {
  return {
    listAudit: ({ who, query: { before, after, limit } }) => {
      accounts.requireOwner(who);
      const items = listAudit(log.db, { before, after, limit: limit + 1 });
      const shown = items.slice(0, limit);
      return { items: shown, next_cursor: items.length > limit ? (shown.at(-1)?.id ?? null) : null };
    },
    getServer: ({ who }) => {
      accounts.requireOwner(who);
      return status.read();
    },
    listSettings: ({ who }) => {
      accounts.requireOwner(who);
      return { items: config.in_force };
    },
    rotateKeys: ({ who, audit }) => {
      accounts.requireOwner(who);
      const id = newId();
      const record = () => log.write((tx) => audit(tx, { action: 'keys.rotated', subject: id }), { urgent: true });
      rotateKeys(config.data_dir, keys, { id, now: new Date(), record });
      return { id };
    },
  };
}
