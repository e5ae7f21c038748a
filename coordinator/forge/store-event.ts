import { insertDelivery } from '../sqlite/deliveries.ts';
import type { Tx } from '../sqlite/event-log.ts';
import type { ForgeEvent } from './forge.ts';
import { threadOf } from './thread-of.ts';

/**
 * Stores an event, to be handled now. `received_at` is an ISO time, `body_hash` that of what the forge has signed.
 * False: it is known already, by its id or by that hash.
 */
export function storeEvent(
  tx: Tx,
  forge_id: string,
  event: ForgeEvent,
  received_at: string,
  body_hash = event.delivery_id,
): boolean {
  const { delivery_id, repository } = event;
  const ids = { forge_id, delivery_id, body_hash, repository_id: repository.id, thread: threadOf(event) };
  const stored = insertDelivery(tx.db, { ...ids, event: JSON.stringify(event), received_at });
  if (stored) tx.announce('deliveries');
  return stored;
}
