import type { Config } from '../base/config.ts';
import type { Keys } from '../base/keys.ts';
import type { Logger } from '../base/logger.ts';
import { OwnAddresses } from '../base/own-addresses.ts';
import { ThreadPool } from '../base/threads.ts';
import { DEMO_MODEL, type Prices } from '../domain/prices.ts';
import { Relay } from '../live/relay.ts';
import { checkInBackground } from '../operations/check-database.ts';
import { Counters } from '../operations/counters.ts';
import { openDataFolder } from '../operations/data-folder.ts';
import { DiskSpace } from '../operations/disk-space.ts';
import { logErrands } from '../operations/log-errands.ts';
import { serverPrices } from '../operations/price-table.ts';
import { EventLog, type CommitHook } from '../sqlite/event-log.ts';
import { WalRoom } from '../sqlite/wal-room.ts';
import type { Pace } from '../tasks/assignment.ts';
import { DispatchGate } from '../tasks/dispatch-gate.ts';

/** Collects what was opened; disposes of it in reverse order. */
export type Opened = AsyncDisposableStack;

/** The parts that all others depend on. */
export type Core = {
  config: Config;
  pace: Pace;
  demo: boolean;
  prices: Prices;
  keys: Keys;
  log: EventLog;
  relay: Relay;
  counters: Counters;
  own_addresses: OwnAddresses;
  gate: DispatchGate;
  disk: DiskSpace;
  threads: ThreadPool;
  logger: Logger;
};

export type CoreOptions = Pick<Core, 'logger' | 'pace'> & { commit_hook: CommitHook | undefined };

/** Opens the prices, the keys, the database and the log. Throws a `ConfigError` if the settings are not usable. */
export function openCore(settings: Config, { logger, pace, commit_hook }: CoreOptions, opened: Opened): Core {
  const demo = settings.anthropic_api_key === undefined;
  const config = demo ? { ...settings, model: DEMO_MODEL } : settings;
  const prices = serverPrices(config);
  const { keys, new_keys, db, database_path, unchecked } = openDataFolder(config.data_dir, opened);
  if (new_keys)
    logger.warn(
      { data_dir: config.data_dir },
      'keys.json was missing and new keys were created: all log-ins, API tokens and invitations have ended and project secrets cannot be decrypted; put your copy of keys.json back or set the secrets again; errand login-link on this machine logs in an account without a password',
    );
  const gate = new DispatchGate(logger);
  if (unchecked) opened.defer(checkInBackground(database_path, gate, logger));
  const room = new WalRoom(db, config.disk_free_bytes_min);
  const disk = new DiskSpace({ dir: config.data_dir, free_bytes_min: config.disk_free_bytes_min, room, gate, logger });
  opened.defer(() => disk.stop());
  const log = new EventLog({ db, logger, hook: commit_hook, room });
  log.onFull(() => void disk.check());
  const threads = new ThreadPool();
  opened.defer(() => threads.close());
  const relay = new Relay(log, gate);
  const counters = new Counters(log);
  logErrands(log, logger);
  const own_addresses = new OwnAddresses({ hosts: namesOf(config), logger });
  // The start does not wait for name servers.
  void own_addresses.start();
  opened.defer(() => own_addresses.stop());
  return { config, pace, demo, prices, keys, log, relay, counters, own_addresses, gate, disk, threads, logger };
}

/** The names by which people reach this machine. */
function namesOf({ hosts, domain }: Config): string[] {
  return domain === undefined ? hosts : [...hosts, domain];
}
