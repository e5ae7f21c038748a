import type { Config } from '../../base/config.ts';
import type { Logger } from '../../base/logger.ts';
import type { ThreadPool } from '../../base/threads.ts';
import type { EventLog } from '../../sqlite/event-log.ts';
import { findLinkedAccountOf } from '../../sqlite/linked-accounts.ts';
import type { TaskDefaults } from '../../tasks/task-commands.ts';
import type { ForgeAccounts } from '../accounts/forge-accounts.ts';
import { Intake } from './intake.ts';
import type { KnownForge } from './known-forge.ts';

const NAME = 'errand';

/** The intake of a server, for the forges and linked accounts that it has. */
export function openIntake(
  {
    log,
    config,
    models,
    threads,
    logger,
  }: { log: EventLog; config: Config; models: TaskDefaults['models']; threads: ThreadPool; logger: Logger },
  { forges, access }: Pick<ForgeAccounts, 'forges' | 'access'>,
): Intake {
  const findForge = (forge_id: string): KnownForge | undefined => {
    const forge = forges.find(forge_id);
    if (!forge) return undefined;
    const { id, client, webhook_secret, app_slug } = forge;
    return { id, client, webhook_secret, names: app_slug === undefined ? [NAME] : [NAME, app_slug] };
  };
  return new Intake({
    log,
    config,
    models,
    threads,
    logger,
    access,
    findForge,
    personAt: (origin, subject) => findLinkedAccountOf(log.db, origin, subject)?.user_id,
    public_url: config.public_url,
  });
}
