import { createHash } from 'node:crypto';
import type { DeliveryReceived } from '../../../protocol/deliveries.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { ErrandError } from '../../../protocol/problem.ts';
import { checkWith } from '../../base/check-body.ts';
import type { Logger } from '../../base/logger.ts';
import { Rate } from '../../base/rate.ts';
import type { Payer, ThreadPool } from '../../base/threads.ts';
import { countWaitingDeliveries, isDeliveryKnown } from '../../sqlite/deliveries.ts';
import type { Db } from '../../sqlite/database.ts';
import type { EventLog } from '../../sqlite/event-log.ts';
import type { Delivery, DeliveryHeaders, ForgeEvent } from '../forge.ts';
import { pullsOfCheck } from '../pulls/pulls-of-check.ts';
import { isSignature, isSigned } from '../signed-delivery.ts';
import type { FindForge } from './known-forge.ts';
import { storeEvent } from '../store-event.ts';

const DELIVERY_ID_CHARS_MAX = 200;

type Dependencies = {
  log: EventLog;
  findForge: FindForge;
  /** Reads large deliveries. */
  threads: ThreadPool;
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
   * To be called before the body is read. Throws `not_found` for an unknown forge, and `forbidden` where the headers
   * have no signature.
   */
  admit(forge_id: string, headers: DeliveryHeaders): void {
    this.#signerOf(forge_id, headers);
  }

  /**
   * Resolves once the delivery is on disk, or is not needed. The signature is checked first: nobody else can use up the
   * forge's rate, or learn what is known. Then the rate, whatever the delivery says. `charge` is told the CPU time that
   * it takes to read it. Rejects as `admit` does, with `forbidden` for a wrong signature, `invalid`, `rate_limited`,
   * and `unavailable` if too many deliveries wait.
   */
  async receive(forge_id: string, delivery: Delivery, charge: Payer['charge']): Promise<DeliveryReceived> {
    const { log, threads, now, logger } = this.#deps;
    const { client, secret, signature } = this.#signerOf(forge_id, delivery.headers);
    if (!(await isSigned(delivery.body, secret, signature))) throw this.#unsigned(forge_id);
    this.#rate.take(forge_id);
    // The body itself may be in another thread afterwards.
    const body_hash = createHash('sha256').update(delivery.body).digest('base64url');
    const event = await client.readDelivery(delivery, checkWith(threads, { key: forge_id, charge }));
    if (event === undefined) return { delivery: 'unused' };
    const { delivery_id } = event;
    if (delivery_id.length > DELIVERY_ID_CHARS_MAX)
      throw new ErrandError('invalid', 'The id of the delivery is too long.');
    if (event.at !== null && Date.parse(event.at) < now() - LIMITS.delivery_age_s_max * 1000)
      return { delivery: 'too_old' };
    if (isDeliveryKnown(log.db, { forge_id, delivery_id, body_hash })) return { delivery: 'known' };
    if (!concernsErrand(log.db, forge_id, event)) return { delivery: 'unused' };
    if (countWaitingDeliveries(log.db, forge_id) >= LIMITS.deliveries_waiting_max)
      throw new ErrandError('unavailable', 'Too many webhooks wait to be handled.', { retry_after_s: 60 });
    const received_at = new Date(now()).toISOString();
    const stored = await log.enqueue((tx) => storeEvent(tx, forge_id, event, received_at, body_hash));
    if (!stored) return { delivery: 'known' };
    logger.debug({ forge_id, delivery_id, type: event.type }, 'webhook stored');
    return { delivery: 'stored' };
  }

  #signerOf(forge_id: string, headers: DeliveryHeaders) {
    const { client, webhook_secret: secret } = this.#deps.findForge(forge_id) ?? {};
    if (!client || secret === undefined) throw new ErrandError('not_found', 'There is no such forge.');
    const signature = client.signatureOf(headers);
    if (!isSignature(signature)) throw this.#unsigned(forge_id);
    return { client, secret, signature };
  }

  #unsigned(forge_id: string): ErrandError {
    this.#deps.logger.debug({ forge_id }, 'webhook with a wrong signature');
    return new ErrandError('forbidden', 'The webhook is not signed with the secret of this forge.');
  }
}

/** Checks of commits that no errand has opened a pull request for are many, and lead to nothing. */
function concernsErrand(db: Db, forge_id: string, event: ForgeEvent): boolean {
  if (event.type !== 'check') return true;
  return pullsOfCheck(db, forge_id, event).length > 0;
}
