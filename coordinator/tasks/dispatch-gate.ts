import type { Logger } from '../base/logger.ts';

/**
 * The parts that can stop dispatch: the runner cannot start workers, or does not isolate them as it should, the disk is
 * full, the database is damaged, or the API of the model refuses the server's key.
 */
export const PARTS = ['runner', 'isolation', 'disk', 'database', 'model'] as const;
export type Part = (typeof PARTS)[number];

/**
 * Stops dispatch while any part has a fault: tasks stay queued and no warm worker is started. Running attempts
 * continue. Listeners are called when the last fault is cleared.
 */
export class DispatchGate {
  readonly #logger: Logger;
  readonly #faults = new Map<Part, string>();
  readonly #listeners: (() => void)[] = [];

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** The text of all current faults, or null. */
  get fault(): string | null {
    return this.#faults.size === 0 ? null : [...this.#faults.values()].join(' ');
  }

  /** The fault of this part, or null. */
  of(part: Part): string | null {
    return this.#faults.get(part) ?? null;
  }

  /** Sets or clears (null) the fault of a part. The text is for the server's owner. */
  set(part: Part, fault: string | null): void {
    const before = this.of(part);
    if (fault === null) this.#faults.delete(part);
    else this.#faults.set(part, fault);
    if (withoutNumbers(before) === withoutNumbers(fault)) return;
    if (fault !== null) return this.#logger.error({ part, fault }, 'dispatch held');
    this.#logger.info({ part, still_held_by: [...this.#faults.keys()] }, 'dispatch released');
    if (this.#faults.size === 0) for (const listener of this.#listeners) listener();
  }

  /** Calls `listener` each time that the last fault is cleared. */
  onReleased(listener: () => void): void {
    this.#listeners.push(listener);
  }
}

/** Free space changes at every check; a fault that differs only in its numbers is not logged again. */
function withoutNumbers(fault: string | null): string | null {
  return fault === null ? null : fault.replace(/[\d.]+/g, '');
}
