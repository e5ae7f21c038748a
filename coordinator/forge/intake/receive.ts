import { createHash } from 'node:crypto';
import type { DeliveryReceived } from '../../../protocol/deliveries.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { ErrandError } from '../../../protocol/problem.ts';
import type { Logger } from '../../base/logger.ts';
import { Rate } from '../../base/rate.ts';
import { countWaitingDeliveries, insertDelivery, isDeliveryKnown } from '../../sqlite/deliveries.ts';
import type { Db } from '../../sqlite/database.ts';
import type { EventLog } from '../../sqlite/event-log.ts';
import { listPullsAt } from '../../sqlite/pulls.ts';
import { ForgeApiError } from '../forge-api-error.ts';
import type { Delivery, ForgeEvent } from '../forge.ts';
import type { FindForge, KnownForge } from './known-forge.ts';
import { threadOf } from '../thread-of.ts';

const DELIVERY_ID_CHARS_MAX = 200;

type Dependencies = {
  log: EventLog;
  findForge: FindForge;
  /** Called when a delivery was stored. */
  onStored: () => void;
  now: () => number;
  logger: Logger;
};

/** Checks and stores what forges send. It is handled later: a forge waits for its answer only some seconds. */
export class Receiver {
  readonly #deps: Dependencies;
  readonly #rate: Rate;

  constructor(deps: Dependencies) {
    this.#deps = deps;
    this.#rate = new Rate(LIMITS.deliveries_per_minute_max, 'The forge sends too many webhooks.', deps.now);
  }

  /**
   * Resolves once the delivery is on disk, or is not needed. The signature is checked first: nobody else can use up the
   * forge's rate, or learn what is known. Rejects with `not_found` for an unknown forge, `forbidden` for a wrong
   * signature, `invalid`, `rate_limited`, and `unavailable` if too many deliveries wait.
   */
  async receive(forge_id: string, delivery: Delivery): Promise<DeliveryReceived> {
    const { log, findForge, onStored, now, logger } = this.#deps;
    const forge = findForge(forge_id);
    if (forge?.webhook_secret === undefined) throw new ErrandError('not_found', 'There is no such forge.');
    const event = await this.#read(forge, delivery, forge.webhook_secret);
    if (event === undefined) return { delivery: 'unused' };
    const { delivery_id } = event;
    if (delivery_id.length > DELIVERY_ID_CHARS_MAX)
      throw new ErrandError('invalid', 'The id of the delivery is too long.');
    if (event.at !== null && Date.parse(event.at) < now() - LIMITS.delivery_age_s_max * 1000)
      return { delivery: 'too_old' };
    const body_hash = createHash('sha256').update(delivery.body).digest('base64url');
    if (isDeliveryKnown(log.db, { forge_id, delivery_id, body_hash })) return { delivery: 'known' };
    if (!concernsErrand(log.db, forge_id, event)) return { delivery: 'unused' };
    this.#rate.take(forge_id);
    if (countWaitingDeliveries(log.db, forge_id) >= LIMITS.deliveries_waiting_max)
      throw new ErrandError('unavailable', 'Too many webhooks wait to be handled.', { retry_after_s: 60 });
    const received_at = new Date(now()).toISOString();
    const ids = { forge_id, delivery_id, body_hash, repository_id: event.repository.id, thread: threadOf(event) };
    const row = { ...ids, event: JSON.stringify(event), received_at };
    const stored = await log.enqueue(({ db }) => insertDelivery(db, row));
    if (!stored) return { delivery: 'known' };
    logger.debug({ forge_id, delivery_id, type: event.type }, 'webhook stored');
    onStored();
    return { delivery: 'stored' };
  }

  async #read({ id, client }: KnownForge, delivery: Delivery, secret: string): Promise<ForgeEvent | undefined> {
    try {
      return await client.readDelivery(delivery, secret);
    } catch (error) {
      if (!(error instanceof ForgeApiError)) throw error;
      if (error.fault !== 'invalid_signature') throw new ErrandError('invalid', error.message, { cause: error });
      this.#deps.logger.debug({ forge_id: id }, 'webhook with a wrong signature');
      throw new ErrandError('forbidden', 'The webhook is not signed with the secret of this forge.');
    }
  }
}

/** Checks of commits that no errand has opened a pull request for are many, and lead to nothing. */
function concernsErrand(db: Db, forge_id: string, event: ForgeEvent): boolean {
  if (event.type !== 'check') return true;
  return listPullsAt(db, forge_id, event.repository.id).some(
    ({ head_branch, head_commit }) => head_branch === event.branch || head_commit === event.commit,
  );
}
