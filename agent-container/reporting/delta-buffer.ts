import type { Delta, WorkerEvent } from '../../protocol/events.ts';
import { LIMITS } from '../../protocol/limits.ts';

const DELTA_CHARS_MAX = 64 * 1024;
const BUFFER_CHARS_MAX = 256 * 1024;

/** `after_seq`: the newest event before the delta. The delta must not be sent ahead of it. */
type PendingDelta = { delta: Delta; after_seq: number };

/** Deltas that wait for the next POST. They are only worth sending at once, so a full buffer drops new ones. */
export class DeltaBuffer {
  #pending: PendingDelta[] = [];
  chars = 0;

  /** Adds a delta, merged with the one before it if they belong together. */
  add(delta: Delta, after_seq: number): void {
    const text = delta.text.slice(0, DELTA_CHARS_MAX).toWellFormed();
    if (text === '' || this.chars + text.length > BUFFER_CHARS_MAX) return;
    const last = this.#pending.at(-1);
    const { ref, kind } = delta;
    if (last?.after_seq === after_seq && last.delta.ref === ref && last.delta.kind === kind) {
      if (last.delta.text.length + text.length <= DELTA_CHARS_MAX) {
        last.delta = { ref, kind, text: last.delta.text + text };
        this.chars += text.length;
        return;
      }
    }
    if (this.#pending.length >= LIMITS.deltas_per_post_max) return;
    this.#pending.push({ delta: { ref, kind, text }, after_seq });
    this.chars += text.length;
  }

  /** Drops the deltas that the event replaces or voids: those with its `ref`. */
  dropReplacedBy(event: WorkerEvent): void {
    if (!('ref' in event.body)) return;
    const { ref } = event.body;
    this.#keep(({ delta }) => delta.ref !== ref);
  }

  /** Takes the deltas that may go with a POST whose newest event is `last_seq`. */
  take(last_seq: number): Delta[] {
    const taken = this.#pending.filter(({ after_seq }) => after_seq <= last_seq).map(({ delta }) => delta);
    this.#keep(({ after_seq }) => after_seq > last_seq);
    return taken;
  }

  #keep(isKept: (pending: PendingDelta) => boolean): void {
    this.#pending = this.#pending.filter(isKept);
    this.chars = this.#pending.reduce((sum, { delta }) => sum + delta.text.length, 0);
  }
}
