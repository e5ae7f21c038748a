import { stat } from 'node:fs/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { DiskSpace } from './disk-space.ts';
import { PARTS, type DispatchGate } from '../tasks/dispatch-gate.ts';
import type { Relay } from '../live/relay.ts';
import type { Db } from '../sqlite/database.ts';
import { countActive, readQueue } from '../sqlite/stats.ts';
import { newestEventId } from '../sqlite/events.ts';
import type { Counters } from './counters.ts';
import { counter, gauge, prometheusText, single, type Metric, type Sample } from './prometheus-text.ts';

/** When a backup last succeeded and last failed, as ISO times; null: never. */
type BackupTimes = { succeeded_at: string | null; failed_at: string | null };

export type MetricsDependencies = {
  db: Db;
  gate: DispatchGate;
  disk: DiskSpace;
  relay: Relay;
  counters: Counters;
  workers: () => { warm: number; at_work: number };
  /** The labels of `errand_info`. */
  info: Record<string, string>;
  /** Undefined: backups are off. */
  backup: (() => BackupTimes) | undefined;
};

/** The server's metrics for Prometheus. Reading them never scans the log. */
export class Metrics {
  readonly #deps: MetricsDependencies;
  readonly #loop = monitorEventLoopDelay({ resolution: 50 });

  constructor(deps: MetricsDependencies) {
    this.#deps = deps;
  }

  /** Starts to measure the event loop's delay. */
  start(): void {
    this.#loop.enable();
  }

  stop(): void {
    this.#loop.disable();
  }

  /** All metrics in the Prometheus text format. The event loop's delay covers the time since the last read. */
  async read(): Promise<string> {
    const delay: Sample[] = [
      [{ quantile: '0.5' }, this.#loop.percentile(50) / 1e9],
      [{ quantile: '0.99' }, this.#loop.percentile(99) / 1e9],
      [{ quantile: '1' }, this.#loop.max / 1e9],
    ];
    this.#loop.reset();
    return prometheusText([
      ...taskMetrics(this.#deps),
      ...(await serverMetrics(this.#deps)),
      ...backupMetrics(this.#deps.backup?.()),
      gauge('errand_event_loop_delay_seconds', 'Event loop delay since the last read.', delay),
    ]);
  }
}

function taskMetrics({ db, gate, counters, workers }: MetricsDependencies): Metric[] {
  const queue = readQueue(db);
  const { warm, at_work } = workers();
  const held = PARTS.map((part): Sample => [{ part }, gate.of(part) === null ? 0 : 1]);
  const tasks: Sample[] = countActive(db).map(({ status, n }) => [{ status }, n]);
  return [
    gauge('errand_held', '1 if this part stops dispatch.', held),
    gauge('errand_tasks', 'Tasks that have not ended.', [[{ status: 'queued' }, queue.n], ...tasks]),
    gauge(
      'errand_queue_oldest_age_seconds',
      'Age of the oldest queued task that waits only for its turn.',
      single(ageOf(queue.oldest) ?? 0),
    ),
    counter('errand_task_changes_total', 'Changes of status, by the new status.', counters.task_changes.all()),
    counter('errand_attempts_ended_total', 'Attempts that ended.', counters.attempts_ended.all()),
    gauge('errand_workers', 'Warm workers, and workers with a task.', [
      [{ state: 'warm' }, warm],
      [{ state: 'at_work' }, at_work],
    ]),
    counter(
      'errand_requests_refused_total',
      'Refused requests and socket upgrades of clients, by error code.',
      counters.requests_refused.all(),
    ),
    counter('errand_worker_calls_refused_total', 'Refused calls of workers, by error code.', counters.refused.all()),
  ];
}

async function serverMetrics({ db, disk, relay, counters, info }: MetricsDependencies): Promise<Metric[]> {
  return [
    gauge('errand_info', 'Version and identity of the server.', [[info, 1]]),
    counter('errand_events_stored_total', 'Events stored.', single(counters.events)),
    gauge('errand_last_event_id', 'Id of the newest event.', single(newestEventId(db))),
    gauge('errand_sockets', 'Open WebSockets of clients.', single(relay.watching)),
    gauge('errand_database_bytes', 'Size of the database.', single(await sizeOf(db.name))),
    gauge('errand_wal_bytes', "Size of the database's write-ahead log.", single(await sizeOf(`${db.name}-wal`))),
    gauge('errand_disk_free_bytes', "Free space on the data folder's disk.", single(disk.free_bytes)),
    gauge('process_resident_memory_bytes', 'Resident memory.', single(process.memoryUsage.rss())),
    gauge('process_start_time_seconds', 'Start time, as a Unix timestamp.', single(performance.timeOrigin / 1000)),
  ];
}

function backupMetrics(times: BackupTimes | undefined): Metric[] {
  if (!times) return [];
  return [
    gauge(
      'errand_backup_last_success_timestamp_seconds',
      'Unix timestamp of the last good backup; 0: never.',
      single(timestampOf(times.succeeded_at)),
    ),
    gauge(
      'errand_backup_last_failure_timestamp_seconds',
      'Unix timestamp of the last failed backup; 0: never.',
      single(timestampOf(times.failed_at)),
    ),
  ];
}

function ageOf(at: string | null): number | undefined {
  return at === null ? undefined : Math.max(0, (Date.now() - Date.parse(at)) / 1000);
}

/** 0 if null. A missing sample would not trigger an alert. */
function timestampOf(at: string | null): number {
  return at === null ? 0 : Date.parse(at) / 1000;
}

/** 0 if there is no such file. */
async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}
