import { ErrandError } from '../../protocol/problem.ts';
import type { CallbackReply, Control, Heartbeat, ResultPost } from '../../protocol/worker-schemas.ts';
import { classifyCallbackError, isOnlyAbout } from './callback-errors.ts';
import type { CoordinatorClient } from './coordinator-client.ts';
import type { DeltaBuffer } from './delta-buffer.ts';
import type { Spool } from './spool.ts';
import type { SpooledEvent } from './spool-files.ts';
import type { WaitTracker } from './wait-tracker.ts';

type Options = {
  client: CoordinatorClient;
  spool: Spool;
  deltas: DeltaBuffer;
  waits: WaitTracker;
  attempt: number;
  /** Called with what each reply carries. The same messages come again until their `input.added` is acknowledged. */
  onControl: (control: Control) => void;
};

/**
 * The three callbacks of an attempt, without retries. Each reply acknowledges events, may renew the token, and carries
 * control messages.
 */
export class Callbacks {
  readonly #options: Options;
  /** When the last heartbeat was answered, by `performance.now()`. */
  heartbeat_at = performance.now();

  constructor(options: Options) {
    this.#options = options;
  }

  /** Posts the events, the deltas that may go with them, and what the work waits for if that is news. */
  async postEvents(events: SpooledEvent[], signal: AbortSignal): Promise<void> {
    const { client, spool, deltas, waits, attempt } = this.#options;
    const last_seq = events.at(-1)?.seq ?? spool.acked_seq;
    const reports_wait = waits.unreported;
    waits.unreported = false;
    const wait = waits.current;
    const waiting_for = reports_wait ? `,"waiting_for":${JSON.stringify(wait)}` : '';
    // The events are sent as they are stored: their JSON is not parsed and serialised again.
    const texts = events.map(({ text }) => text).join(',');
    const delta_texts = JSON.stringify(deltas.take(last_seq));
    const body = `{"attempt":${attempt},"events":[${texts}],"deltas":${delta_texts}${waiting_for}}`;
    try {
      this.#apply(await client.callback('events', body, signal));
    } catch (error) {
      // A `waiting_for` that was refused on its own would be refused again.
      const refused_alone = events.length === 0 && classifyCallbackError(error) === 'malformed';
      if (isOnlyAbout(error, '/waiting_for')) waits.drop(wait);
      else if (reports_wait && !refused_alone) waits.unreported = true;
      throw error;
    }
    if (spool.acked_seq < last_seq)
      throw new ErrandError('unavailable', 'The coordinator did not acknowledge the events.');
  }

  /** Renews the lease, and the token if the coordinator sends a new one. */
  async heartbeat(signal: AbortSignal): Promise<void> {
    const { client, spool, waits, attempt } = this.#options;
    const wait = waits.current;
    const post = (waiting_for: Heartbeat['waiting_for']) => {
      const body: Heartbeat = { attempt, last_seq: spool.last_seq, waiting_for };
      return client.callback('heartbeat', JSON.stringify(body), signal);
    };
    const reply = await post(wait).catch((error: unknown) => {
      if (wait === null || !isOnlyAbout(error, '/waiting_for')) throw error;
      waits.drop(wait);
      return post(null);
    });
    this.heartbeat_at = performance.now();
    if (reply.token !== undefined) client.token = reply.token;
    this.#apply(reply);
  }

  /** Posts the result, the last callback of an attempt. */
  async postResult(result: Omit<ResultPost, 'attempt' | 'last_seq'>, signal: AbortSignal): Promise<void> {
    const { client, spool, attempt } = this.#options;
    const body: ResultPost = { ...result, attempt, last_seq: spool.last_seq };
    await client.callback('result', JSON.stringify(body), signal);
  }

  #apply(reply: CallbackReply): void {
    this.#options.spool.acknowledge(reply.acked_seq);
    this.#options.onControl(reply.control);
  }
}
