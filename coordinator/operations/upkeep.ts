import { CONTRACT_VERSION } from '../../protocol/worker.ts';
import { readMeta } from '../sqlite/meta.ts';
import type { Attempts } from '../workers/attempts.ts';
import type { Dispatcher } from '../workers/dispatcher.ts';
import { AttachmentFiles } from '../tasks/attachment-files.ts';
import { AttachmentSweep } from './attachment-sweep.ts';
import { CopyService } from './backup/copy-service.ts';
import { BackupSchedule } from './backup/schedule.ts';
import type { Core, Opened } from './core.ts';
import { Deletion, type DeletionDependencies } from './deletion.ts';
import { Metrics } from './metrics.ts';
import { Retention } from './retention.ts';

/* Starts the maintenance parts of a running server. `opened` stops them. */

/** Starts the deletion of removed rows and the retention limits. */
export function startRetention(
  { config, log, disk, logger }: Core,
  {
    attempts,
    workspaces,
    removeFiles,
  }: { attempts: Attempts } & Pick<DeletionDependencies, 'workspaces' | 'removeFiles'>,
  opened: Opened,
): void {
  const attachments = new AttachmentSweep({ log, files: new AttachmentFiles(config.data_dir), logger });
  attachments.start();
  opened.defer(() => attachments.stop());
  const removeAll = async (task_id: string) => {
    await attachments.removeOfTask(task_id);
    await removeFiles(task_id);
  };
  const deletion = new Deletion({ log, workspaces, removeFiles: removeAll, attempts, logger });
  const retention = new Retention({ log, workspaces, deletion, attempts, disk, logger, keep: config });
  retention.start();
  disk.onShort(() => void retention.enforce());
  opened.defer(() => retention.stop());
  // Deletion stops first: retention may be waiting for it.
  opened.defer(() => deletion.stop());
}

/** Starts the metrics and returns their reader. They are collected only if the token to read them is set. */
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
  const metrics = new Metrics({ db, gate, disk, relay, counters, workers, info, backup });
  metrics.start();
  opened.defer(() => metrics.stop());
  return () => metrics.read();
}

/** Starts what backups ask for a copy, and the scheduled backups if the settings name a destination. */
export async function scheduleBackups(
  { config, log, logger }: Core,
  opened: Opened,
): Promise<BackupSchedule | undefined> {
  const copies = new CopyService({ db: log.db, data_dir: config.data_dir, logger });
  await copies.start();
  opened.defer(() => copies.stop());
  if (!config.backup) return undefined;
  const { every_ms, env } = config.backup;
  const backups = new BackupSchedule({ data_dir: config.data_dir, every_ms, env, logger });
  backups.start();
  opened.defer(() => backups.stop());
  return backups;
}
