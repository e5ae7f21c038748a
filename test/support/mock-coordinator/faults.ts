/** A fault that is injected into a call. */
export type Fault =
  /** Responds with this status without handling the call. */
  | { kind: 'fail'; status: number; retry_after_s?: number }
  /** Refuses a request to the model, since the task's budget is spent. */
  | { kind: 'budget' }
  /** Waits before it handles the call. */
  | { kind: 'delay'; ms: number }
  /** Resets the connection without handling the call. */
  | { kind: 'cut' }
  /** Handles the call, then resets the connection without a response. */
  | { kind: 'lose' }
  /** Never responds. */
  | { kind: 'hang' };

/**
 * Which calls: by name (`events`, `messages`, `heartbeat`, `result`, `assignment`, `attachments`, `git`, `llm`,
 * `connect`), or all.
 */
export type Target = string;

/** The faults to inject, oldest first. */
export class Faults {
  #due: { target: Target; fault: Fault; times: number }[] = [];

  /** Injects the fault into the next `times` calls of this name (`all`: any name). */
  add(target: Target, fault: Fault, times = 1): void {
    this.#due.push({ target, fault, times });
  }

  clear(): void {
    this.#due = [];
  }

  /** Takes the fault for this call, if there is one. */
  take(name: string): Fault | undefined {
    const found = this.#due.find(({ target }) => target === 'all' || target === name);
    if (found === undefined) return undefined;
    if (--found.times <= 0) this.#due = this.#due.filter((due) => due !== found);
    return found.fault;
  }
}
