import { statfs } from 'node:fs/promises';
import type { DayCost, ServerSample, ServerState } from '../../protocol/server.ts';
import type { Config } from '../base/config.ts';
import type { Logger } from '../base/logger.ts';
import { Periodic } from '../base/periodic.ts';
import type { Db } from '../sqlite/database.ts';
import { serverSpending } from '../sqlite/spending.ts';
import { listDaySpending } from '../sqlite/spending-days.ts';
import { readQueue, usedBytes } from '../sqlite/stats.ts';

const SAMPLE_MS = 5 * 60_000;
/** The samples of one day. */
const SAMPLES_MAX = 288;
const DAYS = 30;
const DAY_MS = 24 * 3600_000;

export type ServerStatusDependencies = {
  db: Db;
  config: Pick<Config, 'data_dir' | 'disk_free_bytes_min' | 'workers' | 'server_month_usd'>;
  gate: { readonly fault: string | null };
  workers: () => { warm: number; at_work: number };
  /** Undefined: there are no backups. */
  backup: (() => { succeeded_at: string | null; failed_at: string | null; every_minutes: number }) | undefined;
  logger: Logger;
  /** Milliseconds since 1970. */
  now?: () => number;
};

/** Reads the state of the server, for its owner. It keeps samples of the last day in memory. */
export class ServerStatus {
  readonly #deps: ServerStatusDependencies;
  readonly #now: () => number;
  readonly #started_at: string;
  readonly #samples: ServerSample[] = [];
  readonly #periodic: Periodic;

  constructor(deps: ServerStatusDependencies) {
    this.#deps = deps;
    this.#now = deps.now ?? Date.now;
    this.#started_at = new Date(this.#now()).toISOString();
    this.#periodic = new Periodic({
      every_ms: SAMPLE_MS,
      work: () => this.sample(),
      onError: (error) => deps.logger.error({ err: error }, 'status sample failed'),
    });
  }

  /** Takes a sample now, and then every five minutes. */
  start(): Promise<void> {
    return this.#periodic.start();
  }

  stop(): Promise<void> {
    return this.#periodic.stop();
  }

  async sample(): Promise<void> {
    const { db, workers } = this.#deps;
    const { free_bytes } = await this.#disk();
    const at = new Date(this.#now()).toISOString();
    this.#samples.push({ at, queued: readQueue(db).n, at_work: workers().at_work, disk_free_bytes: free_bytes });
    if (this.#samples.length > SAMPLES_MAX) this.#samples.shift();
  }

  async read(): Promise<ServerState> {
    const { db, config, gate, workers, backup } = this.#deps;
    const queue = readQueue(db);
    return {
      started_at: this.#started_at,
      held: gate.fault,
      queue: { queued: queue.n, oldest_at: queue.oldest },
      workers: { ...workers(), max: config.workers },
      disk: {
        ...(await this.#disk()),
        free_bytes_min: config.disk_free_bytes_min,
        database_bytes: usedBytes(db),
      },
      money: {
        month_usd: serverSpending(db, this.#day(0).slice(0, 7)).cost_usd,
        month_usd_max: config.server_month_usd ?? null,
        days: this.#days(),
      },
      backup: backup?.() ?? null,
      samples: [...this.#samples],
    };
  }

  /** The last days, oldest first. */
  #days(): DayCost[] {
    const first = this.#day(DAYS - 1);
    const costs = new Map(listDaySpending(this.#deps.db, first).map(({ day, cost_usd }) => [day, cost_usd]));
    return Array.from({ length: DAYS }, (_, n) => {
      const day = this.#day(DAYS - 1 - n);
      return { day, cost_usd: costs.get(day) ?? 0 };
    });
  }

  /** The day (UTC) `ago` days ago. */
  #day(ago: number): string {
    return new Date(this.#now() - ago * DAY_MS).toISOString().slice(0, 10);
  }

  async #disk(): Promise<{ free_bytes: number | null; total_bytes: number | null }> {
    return statfs(this.#deps.config.data_dir).then(
      ({ bavail, blocks, bsize }) => ({ free_bytes: bavail * bsize, total_bytes: blocks * bsize }),
      () => ({ free_bytes: null, total_bytes: null }),
    );
  }
}
