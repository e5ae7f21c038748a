import { stat } from 'node:fs/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { DiskSpace } from './disk-space.ts';
import { PARTS, type DispatchGate } from '../tasks/dispatch-gate.ts';
import type { Relay } from '../live/relay.ts';
import type { Db } from '../sqlite/database.ts';
import { countActive, readQueue } from '../sqlite/stats.ts';
import { newestEventId } from '../sqlite/events.ts';
import type { Counters } from './counters.ts';

/** What a backup left of itself: when the last one succeeded, and when one last failed, as ISO times; null: none did. */
type BackupTimes = { succeeded_at: string | null; failed_at: string | null };

type Deps = {
  db: Db;
  gate: DispatchGate;
  disk: DiskSpace;
  relay: Relay;
  counters: Counters;
  workers: () => { warm: number; at_work: number };
  /** What is told of the server as labels of `errand_info`. */
  info: Record<string, string>;
  /** Undefined: none are made. */
  backup: (() => BackupTimes) | undefined;
};

type Sample = [labels: Record<string, string>, value: number];
type Metric = { name: string; type: 'gauge' | 'counter'; help: string; samples: Sample[] };

/** Gives the reader of all metrics: a text as Prometheus reads it. None of it counts the rows of the log. */
export function createMetrics(deps: Deps): { read: () => Promise<string>; stop: () => void } {
  const loop = monitorEventLoopDelay({ resolution: 50 });
  loop.enable();
  return {
    read: async () => {
      const delay: Sample[] = [
        [{ quantile: '0.5' }, loop.percentile(50) / 1e9],
        [{ quantile: '0.99' }, loop.percentile(99) / 1e9],
        [{ quantile: '1' }, loop.max / 1e9],
      ];
      loop.reset();
      return textOf([
        ...(await readMetrics(deps)),
        gauge('errand_event_loop_delay_seconds', 'How late timers were since this was read last.', delay),
      ]);
    },
    stop: () => void loop.disable(),
  };
}

async function readMetrics({ db, gate, disk, relay, counters, workers, info, backup }: Deps): Promise<Metric[]> {
  const queue = readQueue(db);
  const { warm, at_work } = workers();
  const held = PARTS.map((part): Sample => [{ part }, gate.of(part) === null ? 0 : 1]);
  const tasks: Sample[] = countActive(db).map(({ status, n }) => [{ status }, n]);
  return [
    gauge('errand_info', 'Which server this is.', [[info, 1]]),
    gauge('errand_held', 'Whether this part keeps work from being started.', held),
    gauge('errand_tasks', 'Tasks that have not ended.', [[{ status: 'queued' }, queue.n], ...tasks]),
    gauge(
      'errand_queue_oldest_age_seconds',
      'For how long the first of the queue waits.',
      one(ageOf(queue.oldest) ?? 0),
    ),
    counter('errand_task_changes_total', 'Changes of status, by the new one.', counters.task_changes.all()),
    counter('errand_attempts_ended_total', 'Attempts that ended.', counters.attempts_ended.all()),
    gauge('errand_workers', 'Workers that wait ahead of time, and that are at work.', [
      [{ state: 'warm' }, warm],
      [{ state: 'at_work' }, at_work],
    ]),
    counter('errand_events_stored_total', 'Events stored.', one(counters.events)),
    gauge('errand_last_event_id', 'The id of the newest event.', one(newestEventId(db))),
    counter('errand_worker_calls_refused_total', "Workers' calls that were refused.", counters.refused.all()),
    gauge('errand_sockets', 'Sockets of clients.', one(relay.watching)),
    gauge('errand_database_bytes', 'The size of the database.', one(await sizeOf(db.name))),
    gauge('errand_wal_bytes', 'The size of its write-ahead log.', one(await sizeOf(`${db.name}-wal`))),
    gauge('errand_disk_free_bytes', "What is free on the data folder's disk.", one(disk.free_bytes)),
    gauge('process_resident_memory_bytes', 'The memory of the coordinator.', one(process.memoryUsage.rss())),
    gauge('process_start_time_seconds', 'When it was started.', one(performance.timeOrigin / 1000)),
    ...(backup ? backupMetrics(backup()) : []),
  ];
}

function backupMetrics({ succeeded_at, failed_at }: BackupTimes): Metric[] {
  return [
    gauge(
      'errand_backup_last_success_timestamp_seconds',
      'Of when the last good backup is, since 1970; 0: there is none.',
      one(timestampOf(succeeded_at)),
    ),
    gauge(
      'errand_backup_last_failure_timestamp_seconds',
      'When a backup last failed, since 1970; 0: none did.',
      one(timestampOf(failed_at)),
    ),
  ];
}

const gauge = (name: string, help: string, samples: Sample[]): Metric => ({ name, type: 'gauge', help, samples });
const counter = (name: string, help: string, samples: Sample[]): Metric => ({ name, type: 'counter', help, samples });

/** One sample without labels; none where the value is not known. */
function one(value: number | undefined): Sample[] {
  return value === undefined ? [] : [[{}, value]];
}

function ageOf(at: string | null): number | undefined {
  return at === null ? undefined : Math.max(0, (Date.now() - Date.parse(at)) / 1000);
}

/** 0: never. A sample in any case: nobody can be alarmed by one that is not there. */
function timestampOf(at: string | null): number {
  return at === null ? 0 : Date.parse(at) / 1000;
}

/** 0: it is not there. */
async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}

function textOf(metrics: Metric[]): string {
  const lines = metrics.flatMap(({ name, type, help, samples }) => [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${type}`,
    ...samples.map(([labels, value]) => `${name}${labelsOf(labels)} ${value}`),
  ]);
  return `${lines.join('\n')}\n`;
}

function labelsOf(labels: Record<string, string>): string {
  const escaped = (value: string) => value.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n');
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join()}}`;
}
