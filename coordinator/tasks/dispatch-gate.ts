import type { Logger } from '../base/logger.ts';

/** What can keep work from being started: the runner cannot start workers, the disk has no room for them, or the database is damaged. */
export const PARTS = ['runner', 'disk', 'database'] as const;
export type Part = (typeof PARTS)[number];

/**
 * What keeps work from being started, by the part that it lies with. While anything does, tasks wait in the queue and no worker is started
 * ahead; attempts under way go on. Whoever waits is told once nothing does any more.
 */
export class DispatchGate {
  readonly #logger: Logger;
  readonly #faults = new Map<Part, string>();
  readonly #listeners: (() => void)[] = [];

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** All that keeps work from being started, in words, or null. */
  get fault(): string | null {
    return this.#faults.size === 0 ? null : [...this.#faults.values()].join(' ');
  }

  /** What of it lies with this part, or null. */
  of(part: Part): string | null {
    return this.#faults.get(part) ?? null;
  }

  /** Says how a part is now: what keeps it from its work, in words for the server's owner, or null. */
  set(part: Part, fault: string | null): void {
    const before = this.of(part);
    if (fault === null) this.#faults.delete(part);
    else this.#faults.set(part, fault);
    if (newsOf(before) === newsOf(fault)) return;
    if (fault !== null) return this.#logger.error({ part, fault }, 'no work is started');
    this.#logger.info({ part }, 'what kept work from being started has passed');
    if (this.#faults.size === 0) for (const listener of this.#listeners) listener();
  }

  /** Calls `listener` each time that the last fault has passed. */
  onReleased(listener: () => void): void {
    this.#listeners.push(listener);
  }
}

/** The words without the figures in them, which are no news. */
function newsOf(fault: string | null): string | null {
  return fault === null ? null : fault.replace(/[\d.]+/g, '');
}
