import { LIMITS } from '../../protocol/limits.ts';
import { setupCode } from '../auth/setup-code.ts';
import type { Config } from '../base/config.ts';
import type { Logger } from '../base/logger.ts';
import { auditSettings } from '../operations/audit-settings.ts';
import type { CommitHook, EventLog } from '../sqlite/event-log.ts';
import { readMeta } from '../sqlite/meta.ts';
import { hasUsers } from '../sqlite/users.ts';
import type { Pace } from '../tasks/assignment.ts';
import { openCore, type Opened } from './core.ts';
import { openForges } from './open-forges.ts';
import { servePeople, type PublicAddresses } from './serve-people.ts';
import { startWork, type WorkOptions } from './start-work.ts';
import { scheduleBackups } from './upkeep.ts';

/** A server that is up. */
export type Errand = PublicAddresses & {
  /** The name of its runner, such as `docker`. */
  runner: string;
  /** Whether the demo model answers in place of Claude. */
  demo: boolean;
  /** What the first account needs; undefined: the server has an owner. */
  setup_code: string | undefined;
  /**
   * Takes no new work, tells the clients, answers the callbacks under way, and closes all. Workers with a task go on.
   */
  stop: () => Promise<void>;
};

export type StartOptions = WorkOptions & {
  logger: Logger;
  /** How often workers call, and when their lease expires. By default as in `LIMITS`. */
  pace?: Pace;
  /**
   * Called with the log before anything else starts, for parts that do not ship with Errand. What they open is closed
   * with the server.
   */
  extend?: (log: EventLog, opened: Opened) => void;
  commit_hook?: CommitHook;
};

/**
 * Builds the server from its parts and starts it. Rejects with a `ConfigError`, in words for the server's owner, where
 * the settings do not let it start; everything that was opened by then is closed again.
 */
export async function start(settings: Config, options: StartOptions): Promise<Errand> {
  const { logger, pace = LIMITS, commit_hook } = options;
  await using opened: Opened = new AsyncDisposableStack();
  const core = openCore(settings, { logger, pace, commit_hook }, opened);
  auditSettings(core);
  options.extend?.(core.log, opened);
  const shared = { core, forge_accounts: openForges(core, opened) };
  const work = await startWork(shared, options, opened);
  const backups = await scheduleBackups(core, opened);
  const addresses = await servePeople(shared, work, backups, opened);
  const all = opened.move();
  const { db } = core.log;
  return {
    ...addresses,
    runner: work.runner.name,
    demo: core.demo,
    setup_code: hasUsers(db) ? undefined : setupCode(core.keys, readMeta(db, 'instance')),
    stop: () => all.disposeAsync(),
  };
}
