import type { Pace } from '../tasks/assignment.ts';
import { checkBeside } from './check-database.ts';
import { ConfigError, type Config } from '../base/config.ts';
import { openDataFolder } from './data-folder.ts';
import { DiskSpace } from './disk-space.ts';
import { DispatchGate } from '../tasks/dispatch-gate.ts';
import type { Keys } from '../base/keys.ts';
import { EventLog, type CommitHook } from '../sqlite/event-log.ts';
import type { Logger } from '../base/logger.ts';
import { DEMO_MODEL, demoPrices, type Prices } from '../domain/prices.ts';
import { readPrices } from '../operations/price-table.ts';
import { Relay } from '../live/relay.ts';
import { Counters } from './counters.ts';

/** What was opened is put here, and closed in the opposite order. */
export type Opened = AsyncDisposableStack;

/** What all parts share. */
export type Core = {
  config: Config;
  pace: Pace;
  demo: boolean;
  prices: Prices;
  keys: Keys;
  log: EventLog;
  relay: Relay;
  counters: Counters;
  gate: DispatchGate;
  disk: DiskSpace;
  logger: Logger;
};

export type CoreOptions = Pick<Core, 'logger' | 'pace'> & { commit_hook: CommitHook | undefined };

/** Opens what all parts rest on: the prices, the keys, the database and the log. Throws a `ConfigError` where the settings do not allow it. */
export function openCore(settings: Config, { logger, pace, commit_hook }: CoreOptions, opened: Opened): Core {
  const demo = settings.anthropic_api_key === undefined;
  const config = demo ? { ...settings, model: DEMO_MODEL } : settings;
  // A file that is wrong is told also where no price is needed yet.
  const priced = readPrices(config.prices_file);
  const prices = demo ? demoPrices() : priced;
  if (!prices.has(config.model))
    throw new ConfigError(`ERRAND_MODEL '${config.model}' is not in the price table: add it with ERRAND_PRICES.`);
  const { keys, new_keys, db, database_path, unchecked } = openDataFolder(config.data_dir, opened);
  if (new_keys)
    logger.warn(
      { data_dir: config.data_dir },
      'there was no keys.json, and new keys were made: all log-ins have ended, and the secrets of projects cannot be opened; put your copy of it back, or set them anew',
    );
  const gate = new DispatchGate(logger);
  if (unchecked) opened.defer(checkBeside(database_path, gate, logger));
  const disk = new DiskSpace({ dir: config.data_dir, free_bytes_min: config.disk_free_bytes_min, gate, logger });
  opened.defer(() => disk.stop());
  const log = new EventLog({ db, logger, hook: commit_hook });
  log.onFull(() => void disk.check());
  const relay = new Relay(log);
  const counters = new Counters(log);
  return { config, pace, demo, prices, keys, log, relay, counters, gate, disk, logger };
}
