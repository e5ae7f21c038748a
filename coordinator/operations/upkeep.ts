import { CONTRACT_VERSION } from '../../protocol/worker.ts';
import { BackupSchedule } from './backup/schedule.ts';
import type { Core, Opened } from './core.ts';
import type { Dispatcher } from '../workers/dispatcher.ts';
import type { WorkerDirectories } from '../workers/worker-directories.ts';
import { createMetrics } from './metrics.ts';
import { Deletion } from './deletion.ts';
import { Retention } from './retention.ts';
import { readMeta } from '../sqlite/database.ts';

/* What keeps a server in order while it runs: each part is started here, and ends with `opened`. */

/** Starts what keeps all that errands leave within its limits, and gives what clears away what was removed. */
export function startRetention(
  { config, log, disk, logger }: Core,
  folders: WorkerDirectories,
  dispatcher: Dispatcher,
  opened: Opened,
) {
  const hasRun = (task_id: string) => dispatcher.hasRun(task_id);
  const removal = new Deletion({ log, folders, logger, hasRun });
  const isDiskShort = () => disk.isShort();
  const retention = new Retention({ log, folders, removal, logger, keep: config, hasRun, isDiskShort });
  retention.start();
  disk.onShort(() => void retention.look());
  opened.defer(() => retention.stop());
  // This one first: the other may be waiting for it.
  opened.defer(() => removal.stop());
  return removal;
}

/** Gives the reader of the metrics; they are gathered where there is someone to read them. */
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
