import { CONTRACT_VERSION } from '../../protocol/worker.ts';
import { readMeta } from '../sqlite/meta.ts';
import type { Attempts } from '../workers/attempts.ts';
import type { Dispatcher } from '../workers/dispatcher.ts';
import type { Workspaces } from '../workers/workspaces.ts';
import { BackupSchedule } from './backup/schedule.ts';
import type { Core, Opened } from './core.ts';
import { Deletion } from './deletion.ts';
import { createMetrics } from './metrics.ts';
import { Retention } from './retention.ts';

/* The parts that keep a running server in order. Each is started here, and stops with `opened`. */

/** Starts the removal of what was deleted, and of what is beyond the server's limits. */
export function startRetention(
  { config, log, disk, logger }: Core,
  { attempts, workspaces }: { attempts: Attempts; workspaces: Workspaces },
  opened: Opened,
): void {
  const deletion = new Deletion({ log, workspaces, attempts, logger });
  const retention = new Retention({ log, workspaces, deletion, attempts, disk, logger, keep: config });
  retention.start();
  disk.onShort(() => void retention.enforce());
  opened.defer(() => retention.stop());
  // Stops first, since the retention may be waiting for it.
  opened.defer(() => deletion.stop());
}

/** Returns the reader of the metrics. They are collected only where a token is set to read them with. */
export function openMetrics(
  { config, log, relay, counters, gate, disk }: Core,
  { runner, dispatcher, backups }: { runner: string; dispatcher: Dispatcher; backups: BackupSchedule | undefined },
  opened: Opened,
): () => Promise<string> {
  if (config.metrics_token === undefined) return () => Promise.resolve('');
  const { db } = log;
  const contract_version = String(CONTRACT_VERSION);
  const info = { contract_version, node: process.version, runner, epoch: readMeta(db, 'epoch') };
  const workers = () => dispatcher.workers;
  const backup = backups && (() => backups.times());
  const metrics = createMetrics({ db, gate, disk, relay, counters, workers, info, backup });
  opened.defer(() => metrics.stop());
  return metrics.read;
}

/** Starts the regular backups, where the settings name a place for them. */
export function scheduleBackups({ config, logger }: Core, opened: Opened): BackupSchedule | undefined {
  if (!config.backup) return undefined;
  const { every_ms, env } = config.backup;
  const backups = new BackupSchedule({ data_dir: config.data_dir, every_ms, env, logger });
  backups.start();
  opened.defer(() => backups.stop());
  return backups;
}
