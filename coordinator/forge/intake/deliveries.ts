import { LIMITS } from '../../../protocol/limits.ts';
import type { DueQueue } from '../../base/due-queue.ts';
import {
  bringDeliveriesForward,
  listDueDeliveries,
  nextDeliveryAt,
  postponeDelivery,
  pruneDeliveries,
  settleDelivery,
  type DeliveryRow,
} from '../../sqlite/deliveries.ts';
import { noteForgeChange } from '../pulls/note-forge-change.ts';
import { readEvent } from '../stored-json.ts';
import type { FindForge } from './known-forge.ts';
import { planEvent } from './plan-event.ts';
import type { PlanParts } from './plan.ts';
import { retryingQueue, type RetryTimes } from './retries.ts';

const AT_ONCE_MAX = 8;
/** One repository does not hold up the others, and a forge that does not answer leaves room for other forges. */
const OF_REPOSITORY_AT_ONCE_MAX = 4;
const OF_FORGE_AT_ONCE_MAX = 6;

type Dependencies = PlanParts & {
  findForge: FindForge;
  /** Called when what a delivery led to was stored. */
  onHandled: () => void;
  times: RetryTimes;
  now: () => number;
};

/**
 * Handles the stored deliveries, those of a thread one after the other. What a delivery leads to and its mark are
 * one transaction: a server that dies handles it again, or not any more, but never twice.
 */
export function deliveryQueue(deps: Dependencies): DueQueue<DeliveryRow> {
  const { log, findForge, onHandled, times, now, logger } = deps;
  const handle = async (row: DeliveryRow, signal: AbortSignal): Promise<void> => {
    const forge = findForge(row.forge_id);
    const event = row.event === null ? undefined : readEvent(row.event);
    const effect = forge && event && (await planEvent(deps, forge, event, signal));
    const before = new Date(now() - LIMITS.delivery_kept_s * 1000).toISOString();
    await log.enqueue((tx) => {
      if (!settleDelivery(tx.db, row.id)) return;
      if (event) noteForgeChange(tx, row.forge_id, event, new Date(now()).toISOString());
      effect?.(tx);
      pruneDeliveries(tx.db, before);
    });
    onHandled();
  };
  return retryingQueue({
    name: 'deliveries',
    listDue: (at, limit, { full }) => listDueDeliveries(log.db, at, limit, full),
    nextAt: (at) => nextDeliveryAt(log.db, at),
    bringForward: (latest, at) => log.write(({ db }) => bringDeliveriesForward(db, latest, at)),
    keyOf: (row) => `${repositoryOf(row)} ${row.thread}`,
    at_once_max: AT_ONCE_MAX,
    groupsOf: (row) => [
      { name: repositoryOf(row), at_once_max: OF_REPOSITORY_AT_ONCE_MAX },
      { name: row.forge_id, at_once_max: OF_FORGE_AT_ONCE_MAX },
    ],
    work: handle,
    cameAt: ({ received_at }) => received_at,
    postpone: ({ id }, next_at) => log.write(({ db }) => postponeDelivery(db, id, next_at)),
    giveUp: ({ id }) => void log.write(({ db }) => settleDelivery(db, id)),
    times,
    now,
    logger,
  });
}

function repositoryOf({ forge_id, repository_id }: DeliveryRow): string {
  return `${forge_id} ${repository_id}`;
}
