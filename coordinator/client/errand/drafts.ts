import type { Delta, LogEvent } from '../../../protocol/events.ts';

/** Unfinished text. `ref` names its turn or its tool call. */
export type Draft = { ref: string; kind: Delta['kind']; text: string };

/** Only the end of a draft is shown, so only that is kept. */
const DRAFT_CHARS_MAX = 8_000;
const DRAFTS_MAX = 16;
const CLOSED_MAX = 500;

/** Unfinished text: the deltas of a turn or a command, until the event with the whole text replaces them. */
export class Drafts {
  readonly #drafts = new Map<string, Draft>();
  /** The `ref`s whose event has come. Deltas that arrive after their event are ignored. */
  readonly #closed = new Set<string>();

  add({ ref, kind, text }: Delta): void {
    if (this.#closed.has(ref)) return;
    // A turn's thinking and its text have the same `ref`: the text replaces the thinking.
    const before = this.#drafts.get(ref);
    const whole = before?.kind === kind ? before.text + text : text;
    this.#drafts.set(ref, { ref, kind, text: whole.slice(-DRAFT_CHARS_MAX) });
    dropOldest(this.#drafts, DRAFTS_MAX);
  }

  /** Drops the drafts that the event replaces. */
  event({ type, body }: LogEvent): void {
    if (type === 'attempt.started' || type === 'attempt.ended') this.clear();
    const { ref } = body;
    if (typeof ref !== 'string') return;
    this.#drafts.delete(ref);
    if (type === 'turn.started' || type === 'turn.retried') this.#closed.delete(ref);
    if (type === 'turn.finished' || type === 'tool.finished') this.#closed.add(ref);
    dropOldest(this.#closed, CLOSED_MAX);
  }

  /** Drops all drafts: after a lost connection the missed deltas never come. */
  clear(): void {
    this.#drafts.clear();
  }

  all(): Draft[] {
    return [...this.#drafts.values()];
  }
}

/** Sets and maps iterate in insertion order, so the first entry is the oldest. */
function dropOldest(entries: Set<string> | Map<string, unknown>, size_max: number): void {
  for (const key of entries.keys()) {
    if (entries.size <= size_max) return;
    entries.delete(key);
  }
}
