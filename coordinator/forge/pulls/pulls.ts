import { z } from 'zod';
import { isEnded, TaskStatus } from '../../../protocol/task.ts';
import type { Config } from '../../base/config.ts';
import type { Logger } from '../../base/logger.ts';
import { DurableSubscriber } from '../../sqlite/durable-subscriber.ts';
import type { EventLog } from '../../sqlite/event-log.ts';
import type { EventRow } from '../../sqlite/events.ts';
import { findTask } from '../../sqlite/tasks.ts';
import type { ForgeAccess } from '../forge-access.ts';
import { lookAtPulls, pullsAfterSuccess } from './pull-commands.ts';
import { PullKeeper } from './pull-keeper.ts';
import { PULL_TIMES, type PullTimes } from './pull-schedule.ts';

type Dependencies = {
  log: EventLog;
  access: ForgeAccess;
  config: Pick<Config, 'public_url'>;
  logger: Logger;
  times?: PullTimes;
  now?: () => number;
};

const Change = z.object({ to: TaskStatus });

/** The pull requests of a server: follows the log for errands that have ended, and asks the forges. */
export class Pulls {
  readonly #after_success: DurableSubscriber;
  readonly #keeper: PullKeeper;

  constructor({ log, access, config, logger, times = PULL_TIMES, now = Date.now }: Dependencies) {
    const handle = (event: EventRow): void => {
      const status = Change.safeParse(JSON.parse(event.body)).data?.to;
      if (status === undefined || !isEnded(status)) return;
      const at = new Date(now()).toISOString();
      log.write((tx) => {
        const task = findTask(tx.db, event.task_id);
        if (!task) return;
        if (status === 'succeeded') pullsAfterSuccess(tx, task, at);
        else lookAtPulls(tx, task.id, at);
      });
    };
    this.#after_success = new DurableSubscriber({ log, logger, name: 'pulls', types: ['task.status'], handle });
    const base = config.public_url;
    const pageOf = (id: string) => (base === undefined ? undefined : `${base.replace(/\/$/, '')}/errands/${id}`);
    this.#keeper = new PullKeeper({ log, access, pageOf, times, now, logger });
  }

  start(): void {
    this.#after_success.start();
    this.#keeper.start();
  }

  async stop(): Promise<void> {
    await this.#after_success.stop();
    await this.#keeper.stop();
  }
}
