import { ErrandError, type ErrorCode } from '../../../protocol/problem.ts';
import { DueQueue, type DueQueueDependencies } from '../../base/due-queue.ts';
import type { Logger } from '../../base/logger.ts';
import { nextTryAt, type BackoffTimes } from '../../base/retry.ts';
import { ForgeApiError } from '../forge-api-error.ts';

/** After `give_up_ms` a row is given up, in milliseconds since it came. */
export type RetryTimes = BackoffTimes & { give_up_ms: number };

type Dependencies<Row extends { tries: number }> = {
  /** For the log. */
  name: string;
  work: (row: Row, signal: AbortSignal) => Promise<void>;
  /** When the row came, as an ISO time. */
  cameAt: (row: Row) => string;
  /** Puts a row off whose work has rejected, to this ISO time. */
  postpone: (row: Row, next_at: string) => void;
  /** Settles a row that is not tried again. */
  giveUp: (row: Row) => void;
  times: RetryTimes;
  /** Milliseconds since 1970. */
  now: () => number;
  logger: Logger;
};

/** The tries of what a forge answers wrongly, and of what this server cannot do: they are likely to fail again. */
const MALFORMED_TRIES_MAX = 3;
const OWN_TRIES_MAX = 6;
/** What ends by itself: the forge is away when a token is to be renewed, or the person's queue is full. */
const WAITS = new Set<ErrorCode>(['upstream_unreachable', 'unavailable']);

type QueueDependencies<Row extends { tries: number }> = Dependencies<Row> & Omit<DueQueueDependencies<Row>, 'pause_ms'>;

/** A queue whose rows are tried again as `withRetries` says. */
export function retryingQueue<Row extends { tries: number }>(deps: QueueDependencies<Row>): DueQueue<Row> {
  return new DueQueue({ ...deps, work: withRetries(deps), pause_ms: deps.times.first_ms });
}

/**
 * Work that a queue can do: what fails is put off with backoff, no sooner than the forge says, and in the end given up.
 */
export function withRetries<Row extends { tries: number }>(deps: Dependencies<Row>): Dependencies<Row>['work'] {
  const { name, work, cameAt, postpone, giveUp, times, now, logger } = deps;
  return async (row, signal) => {
    try {
      await work(row, signal);
    } catch (error) {
      if (signal.aborted) return;
      const fields = { err: error, queue: name, tries: row.tries + 1 };
      const not_before = error instanceof ForgeApiError ? error.retry_at?.getTime() : undefined;
      const next = nextTryAt(times, { tries: row.tries, now: now(), not_before });
      const in_time = next <= Date.parse(cameAt(row)) + times.give_up_ms;
      if (in_time && row.tries + 1 < triesMax(error)) {
        logger.warn(fields, 'queue entry failed');
        postpone(row, new Date(next).toISOString());
      } else {
        logger.error(fields, 'queue entry given up');
        giveUp(row);
      }
    }
  };
}

function triesMax(error: unknown): number {
  if (error instanceof ForgeApiError) return error.malformed ? MALFORMED_TRIES_MAX : Infinity;
  return error instanceof ErrandError && WAITS.has(error.code) ? Infinity : OWN_TRIES_MAX;
}
