import type { Delta, LogEvent } from '../../../protocol/events.ts';

type Draft = { kind: Delta['kind']; text: string };

/** Only the end of a draft is shown; so much of it is kept. */
const DRAFT_CHARS_MAX = 8_000;
const DRAFTS_MAX = 16;
const CLOSED_MAX = 500;

/** Text that is being written: what deltas bring, until the event that replaces it. Never more than is known to be unfinished. */
export class Drafts {
  readonly #drafts = new Map<string, Draft>();
  /** Deltas may come after the event that replaces them; these are not wanted any more. */
  readonly #closed = new Set<string>();

  add({ ref, kind, text }: Delta): void {
    if (this.#closed.has(ref)) return;
    // A turn thinks first and then speaks, under the same `ref`.
    const before = this.#drafts.get(ref);
    const whole = before?.kind === kind ? before.text + text : text;
    this.#drafts.set(ref, { kind, text: whole.slice(-DRAFT_CHARS_MAX) });
    dropOldest(this.#drafts, DRAFTS_MAX);
  }

  /** Drops what the event replaces or voids. */
  event({ type, body }: LogEvent): void {
    if (type === 'attempt.started' || type === 'attempt.ended') this.clear();
    const { ref } = body;
    if (typeof ref !== 'string') return;
    this.#drafts.delete(ref);
    if (type === 'turn.started' || type === 'turn.retried') this.#closed.delete(ref);
    if (type === 'turn.finished' || type === 'tool.finished') this.#closed.add(ref);
    dropOldest(this.#closed, CLOSED_MAX);
  }

  /** Drops everything: the connection was lost, and deltas are not made up for. */
  clear(): void {
    this.#drafts.clear();
  }

  all(): Draft[] {
    return [...this.#drafts.values()];
  }
}

/** Sets and maps keep the order in which their entries came. */
function dropOldest(entries: Set<string> | Map<string, unknown>, size_max: number): void {
  for (const key of entries.keys()) {
    if (entries.size <= size_max) return;
    entries.delete(key);
  }
}
