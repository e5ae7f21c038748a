import { LIMITS } from '../../../protocol/limits.ts';
import type { DeliveryReceived } from '../../../protocol/deliveries.ts';
import type { DueQueue } from '../../base/due-queue.ts';
import type { Payer } from '../../base/threads.ts';
import type { DeliveryRow } from '../../sqlite/deliveries.ts';
import type { DurableSubscriber } from '../../sqlite/durable-subscriber.ts';
import type { EventLog } from '../../sqlite/event-log.ts';
import type { WordsRow } from '../../sqlite/forge-words.ts';
import type { Delivery, DeliveryHeaders } from '../forge.ts';
import { deliveryQueue } from './deliveries.ts';
import type { FindForge } from './known-forge.ts';
import { MissedEvents, type LookTimes } from './missed-events.ts';
import type { PlanParts } from './plan.ts';
import { Receiver } from './receive.ts';
import type { RetryTimes } from './retries.ts';
import { tellForges } from './tell.ts';
import { wordsQueue } from './write-words.ts';

const RETRY_TIMES: RetryTimes = { first_ms: 5_000, max_ms: 15 * 60_000, give_up_ms: LIMITS.delivery_retry_s * 1000 };

const LOOK_TIMES: LookTimes = { every_ms: 120_000, retry: { first_ms: 120_000, max_ms: 3_600_000 } };

type Dependencies = Omit<PlanParts, 'link'> & {
  findForge: FindForge;
  /** The address of this server; undefined: it does not know. */
  public_url: string | undefined;
  times?: RetryTimes;
  look_times?: LookTimes;
  /** Milliseconds since 1970. */
  now?: () => number;
};

/** What forges send, and what they did not: it is taken, acted upon, and answered there. */
export class Intake {
  readonly #receiver: Receiver;
  readonly #deliveries: DueQueue<DeliveryRow>;
  readonly #words: DueQueue<WordsRow>;
  readonly #tell: DurableSubscriber;
  readonly #missed: MissedEvents;
  readonly #log: EventLog;
  #unsubscribe: () => void = () => undefined;

  constructor({ public_url, times = RETRY_TIMES, look_times = LOOK_TIMES, now = Date.now, ...parts }: Dependencies) {
    const link = (task_id: string) => (public_url === undefined ? null : `${public_url}/errands/${task_id}`);
    this.#log = parts.log;
    this.#words = wordsQueue({ ...parts, times, now });
    const onWords = () => this.#words.wake();
    this.#deliveries = deliveryQueue({ ...parts, link, times, now, onHandled: onWords });
    this.#tell = tellForges({ ...parts, link, onWords });
    this.#missed = new MissedEvents({ ...parts, times: look_times, now });
    this.#receiver = new Receiver({ ...parts, now });
  }

  start(): void {
    this.#unsubscribe = this.#log.subscribeToNotice('deliveries', () => this.#deliveries.wake());
    this.#tell.start();
    this.#deliveries.start();
    this.#words.start();
    this.#missed.start();
  }

  async stop(): Promise<void> {
    this.#unsubscribe();
    await Promise.all([this.#missed.stop(), this.#deliveries.stop(), this.#tell.stop()]);
    await this.#words.stop();
  }

  /* Take a webhook. `Receiver` has the rules. */

  admit(forge_id: string, headers: DeliveryHeaders): void {
    this.#receiver.admit(forge_id, headers);
  }

  receive(forge_id: string, delivery: Delivery, charge: Payer['charge']): Promise<DeliveryReceived> {
    return this.#receiver.receive(forge_id, delivery, charge);
  }
}
