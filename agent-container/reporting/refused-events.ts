import type { WorkerEvent } from '../../protocol/events.ts';
import { Time } from '../../protocol/ids.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { ErrandError } from '../../protocol/problem.ts';
import type { Spool } from './spool.ts';
import type { SpooledEvent } from './spool-files.ts';

const LOG_CHARS_MAX = 2_000;
const UNKNOWN_TIME = '1970-01-01T00:00:00.000Z';

/**
 * Finds the event of a batch that the coordinator will never accept, and replaces it by a `log` event that says so. If
 * the error does not name the event, the batch is sent again one event at a time.
 */
export class RefusedEvents {
  readonly #spool: Spool;
  #one_by_one_through_seq = 0;
  #replaced_seq = 0;

  constructor(spool: Spool) {
    this.#spool = spool;
  }

  /** How many events a POST that starts with this one may hold. */
  batchMax(first_seq: number): number {
    return first_seq <= this.#one_by_one_through_seq ? 1 : LIMITS.events_per_post_max;
  }

  /** Handles a refused batch. Throws the error if even the replacement was refused. */
  replace(sent: SpooledEvent[], error: unknown): void {
    // Without events there is nothing to replace: the deltas, or the `waiting_for`, were dropped when the POST failed.
    if (sent.length === 0) return;
    const refused = namedBy(error, sent) ?? (sent.length === 1 ? sent[0] : undefined);
    if (refused === undefined) {
      this.#one_by_one_through_seq = sent.at(-1)?.seq ?? 0;
      return;
    }
    if (refused.seq <= this.#replaced_seq) throw error;
    this.#replaced_seq = refused.seq;
    this.#spool.replace({ seq: refused.seq, text: JSON.stringify(replacementOf(refused)) });
    const why = error instanceof Error ? error.message : 'no reason was given';
    const text = `Event ${refused.seq} was refused: ${why}`.slice(0, LOG_CHARS_MAX);
    // Closed meanwhile: the attempt is over.
    this.#spool.append(logOf(text)).catch(() => undefined);
  }
}

const logOf = (text: string): WorkerEvent => ({ type: 'log', body: { level: 'error', text } });

/**
 * The event that takes the place of a refused one. It depends on nothing but that event: a process that is started
 * again replaces it again, and the coordinator may have stored the first replacement.
 */
function replacementOf({ seq, text }: SpooledEvent): object {
  const event: unknown = JSON.parse(text);
  const at = typeof event === 'object' && event !== null && 'at' in event ? Time.safeParse(event.at).data : undefined;
  const body = logOf(`The coordinator refused an event of this attempt: number ${seq} is left out.`);
  return { seq, at: at ?? UNKNOWN_TIME, ...body };
}

/** The event that the error's field names, such as `/events/3/body/turn`. */
function namedBy(error: unknown, sent: SpooledEvent[]): SpooledEvent | undefined {
  const fields = error instanceof ErrandError ? (error.errors ?? []).map(({ field }) => field) : [];
  const [index] = fields.flatMap((field) => /^\/events\/(\d+)/.exec(field)?.[1] ?? []);
  return index === undefined ? undefined : sent[Number(index)];
}
