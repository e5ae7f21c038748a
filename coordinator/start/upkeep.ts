import { CONTRACT_VERSION } from '../../protocol/worker.ts';
import type { Auth } from '../auth/auth.ts';
import { AttachmentSweep } from '../operations/attachment-sweep.ts';
import { CopyService } from '../operations/backup/copy-service.ts';
import { BackupSchedule } from '../operations/backup/schedule.ts';
import { Deletion } from '../operations/deletion.ts';
import { LinkService } from '../operations/link-service.ts';
import { Metrics } from '../operations/metrics.ts';
import { Retention, type RetentionDependencies } from '../operations/retention.ts';
import { ServerStatus } from '../operations/server-status.ts';
import { readMeta } from '../sqlite/meta.ts';
import { AttachmentFiles } from '../tasks/attachment-files.ts';
import type { Attempts } from '../workers/attempts.ts';
import type { Dispatcher } from '../workers/dispatcher.ts';
import type { Core, Opened } from './core.ts';

/* Starts the maintenance parts of a running server. `opened` stops them. */

type RetentionParts = Pick<RetentionDependencies, 'workspaces' | 'samples'> & { attempts: Attempts };

/** Starts the deletion of removed rows and files, and the retention limits. */
export function startRetention(
  { config, log, disk, gate, logger }: Core,
  { attempts, workspaces, samples }: RetentionParts,
  opened: Opened,
): void {
  const attachments = new AttachmentSweep({ log, files: new AttachmentFiles(config.data_dir), logger });
  attachments.start();
  opened.defer(() => attachments.stop());
  const removeFiles = async (task_id: string) => {
    await attachments.removeOfTask(task_id);
    await samples.remove(task_id);
  };
  const deletion = new Deletion({ log, workspaces, removeFiles, attempts, logger });
  const retention = new Retention({ log, workspaces, samples, deletion, attempts, disk, logger, keep: config });
  retention.start();
  disk.onShort(() => void retention.enforce());
  // A person's new errand may make room for itself.
  log.subscribe('task.created', () => {
    if (gate.of('disk') !== null) void retention.enforce();
  });
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

/** Starts to sample the state of the server, for its owner. */
export async function startStatus(
  { config, log, gate, logger }: Core,
  { dispatcher, backups }: { dispatcher: Dispatcher; backups: BackupSchedule | undefined },
  opened: Opened,
): Promise<ServerStatus> {
  const every_minutes = (config.backup?.every_ms ?? 0) / 60_000;
  const backup = backups && (() => ({ ...backups.times(), every_minutes }));
  const workers = () => dispatcher.workers;
  const status = new ServerStatus({ db: log.db, config, gate, workers, backup, logger });
  await status.start();
  opened.defer(() => status.stop());
  return status;
}

/** Starts what makes log-in links for the command line of this machine. `url`: the address of the server. */
export async function startLinkService(
  { config, logger }: Core,
  { url, auth }: { url: string; auth: Pick<Auth, 'link_logins'> },
  opened: Opened,
): Promise<void> {
  const create = (email: string | undefined) => auth.link_logins.createAtServer(email);
  const links = new LinkService({ data_dir: config.data_dir, url, create, logger });
  await links.start();
  opened.defer(() => links.stop());
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
