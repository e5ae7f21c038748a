import { numberOf, sql, type Db } from './database.ts';

/** What a forge has sent. Times are ISO. */
export type DeliveryRow = {
  /** Ascending, in the order of arrival. */
  id: number;
  forge_id: string;
  delivery_id: string;
  repository_id: string;
  /** The number of the issue or pull request; empty: it is about the repository as a whole. */
  thread: string;
  /** JSON; null: it was handled. */
  event: string | null;
  received_at: string;
  /** How many tries have failed. */
  tries: number;
  /** When it is handled next; null: it was. */
  next_at: string | null;
};

type NewDelivery = Pick<DeliveryRow, 'forge_id' | 'delivery_id' | 'repository_id' | 'thread' | 'received_at'> & {
  event: string;
  /** The hash of the signed body. */
  body_hash: string;
};

/** Whether the forge has sent this before, by the id of the delivery or by its body. */
export function isDeliveryKnown(db: Db, delivery: Pick<NewDelivery, 'forge_id' | 'delivery_id' | 'body_hash'>) {
  const text = `SELECT count(*) FROM deliveries WHERE forge_id = :forge_id
    AND (delivery_id = :delivery_id OR body_hash = :body_hash)`;
  return numberOf(db, text, delivery) > 0;
}

/** Adds a delivery that is to be handled now. False: it is known already. */
export function insertDelivery(db: Db, delivery: NewDelivery): boolean {
  const { changes } = sql(
    db,
    `INSERT OR IGNORE INTO deliveries (forge_id, delivery_id, body_hash, repository_id, thread, event, received_at, next_at)
     VALUES (:forge_id, :delivery_id, :body_hash, :repository_id, :thread, :event, :received_at, :received_at)`,
  ).run(delivery);
  return changes === 1;
}

/** How many deliveries wait. */
export function countWaitingDeliveries(db: Db, forge_id: string): number {
  const text = 'SELECT count(*) FROM deliveries WHERE forge_id = ? AND next_at IS NOT NULL';
  return numberOf(db, text, forge_id);
}

/** The first deliveries of each thread, of which the index alone is read. */
const headsWhere = (condition: string) => `SELECT min(id) FROM deliveries INDEXED BY deliveries_waiting
   WHERE next_at IS NOT NULL AND ${condition} GROUP BY forge_id, repository_id, thread`;
const HEADS = headsWhere('true');
const HEADS_LEFT = headsWhere(`forge_id NOT IN left_out AND forge_id || ' ' || repository_id NOT IN left_out`);

/**
 * The first delivery that waits of each thread, if it is due, in the order of arrival. `without`: the ids of forges,
 * and of repositories, behind the id of their forge and a space.
 */
export function listDueDeliveries(db: Db, now: string, limit: number, without: string[]): DeliveryRow[] {
  return sql<DeliveryRow>(
    db,
    `WITH left_out AS (SELECT value FROM json_each(:without))
     SELECT * FROM deliveries WHERE id IN (${HEADS_LEFT}) AND next_at <= :now ORDER BY id LIMIT :limit`,
  ).all({ now, limit, without: JSON.stringify(without) });
}

/** When the next one is due that is not due at `now`. Undefined: none waits. */
export function nextDeliveryAt(db: Db, now: string): string | undefined {
  const row = sql<{ at: string | null }>(
    db,
    `SELECT min(next_at) AS at FROM deliveries WHERE id IN (${HEADS}) AND next_at > ?`,
  ).get(now);
  return row?.at ?? undefined;
}

/** Makes due at `now` what is due after `latest`. Returns how many. */
export function bringDeliveriesForward(db: Db, latest: string, now: string): number {
  return sql(db, 'UPDATE deliveries INDEXED BY deliveries_waiting SET next_at = :now WHERE next_at > :latest').run({
    latest,
    now,
  }).changes;
}

/** Marks a delivery as handled. False: it was before. Call it in the transaction of what it leads to. */
export function settleDelivery(db: Db, id: number): boolean {
  return (
    sql(db, 'UPDATE deliveries SET next_at = NULL, event = NULL WHERE id = ? AND next_at IS NOT NULL').run(id)
      .changes === 1
  );
}

/** Puts a delivery off that could not be handled. Those of its thread behind it wait too. */
export function postponeDelivery(db: Db, id: number, next_at: string): void {
  sql(db, 'UPDATE deliveries SET next_at = ?, tries = tries + 1 WHERE id = ? AND next_at IS NOT NULL').run(next_at, id);
}

const PRUNED_ROWS_MAX = 500;

/** Deletes some handled deliveries that came before this time. */
export function pruneDeliveries(db: Db, before: string): void {
  sql(
    db,
    `DELETE FROM deliveries WHERE id IN
       (SELECT id FROM deliveries ORDER BY id LIMIT ${PRUNED_ROWS_MAX}) AND next_at IS NULL AND received_at < ?`,
  ).run(before);
}
