import type { Delta, WorkerEvent } from '../../protocol/events.ts';
import { LIMITS } from '../../protocol/limits.ts';

const DELTA_CHARS_MAX = 64 * 1024;
const WAITING_CHARS_MAX = 256 * 1024;

/**
 * The pieces of text that wait to be sent. They are worth something only at once: what does not fit is dropped, and what an event has replaced.
 */
export class DeltaBuffer {
  #waiting: { delta: Delta; after: number }[] = [];
  chars = 0;

  /** `after` is the number of the newest event before it: it must not travel ahead of that. */
  add(delta: Delta, after: number): void {
    const text = delta.text.slice(0, DELTA_CHARS_MAX).toWellFormed();
    if (text === '' || this.chars + text.length > WAITING_CHARS_MAX) return;
    const last = this.#waiting.at(-1);
    const { ref, kind } = delta;
    if (last?.after === after && last.delta.ref === ref && last.delta.kind === kind) {
      if (last.delta.text.length + text.length <= DELTA_CHARS_MAX) {
        last.delta = { ref, kind, text: last.delta.text + text };
        this.chars += text.length;
        return;
      }
    }
    if (this.#waiting.length >= LIMITS.deltas_per_post_max) return;
    this.#waiting.push({ delta: { ref, kind, text }, after });
    this.chars += text.length;
  }

  /** An event that bears a `ref` replaces the deltas of that name, or voids them. */
  settle(event: WorkerEvent): void {
    if (!('ref' in event.body)) return;
    const { ref } = event.body;
    this.#keep(({ delta }) => delta.ref !== ref);
  }

  /** Takes those that may go with a POST whose newest event is `upto`. */
  take(upto: number): Delta[] {
    const taken = this.#waiting.filter(({ after }) => after <= upto).map(({ delta }) => delta);
    this.#keep(({ after }) => after > upto);
    return taken;
  }

  #keep(keeps: (waiting: { delta: Delta; after: number }) => boolean): void {
    this.#waiting = this.#waiting.filter(keeps);
    this.chars = this.#waiting.reduce((sum, { delta }) => sum + delta.text.length, 0);
  }
}
