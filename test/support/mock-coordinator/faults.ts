/** What can be done to a call. */
export type Fault =
  /** Answers with this status and does nothing. */
  | { kind: 'fail'; status: number; retry_after_s?: number }
  /** Waits before it does what it should. */
  | { kind: 'delay'; ms: number }
  /** Cuts the connection before anything is done. */
  | { kind: 'cut' }
  /** Does what it should, and cuts the connection in place of the answer. */
  | { kind: 'lose' }
  /** Does nothing, and never answers. */
  | { kind: 'hang' };

/** Which calls: by name (`events`, `heartbeat`, `result`, `assignment`, `git`, `llm`, `connect`), or all. */
export type Target = string;

/** The faults that are due, oldest first. */
export class Faults {
  #due: { target: Target; fault: Fault; times: number }[] = [];

  /** The next `times` calls of this name (`all`: of any) meet the fault. */
  add(target: Target, fault: Fault, times = 1): void {
    this.#due.push({ target, fault, times });
  }

  clear(): void {
    this.#due = [];
  }

  /** The fault that this call meets, if any. */
  take(name: string): Fault | undefined {
    const found = this.#due.find(({ target }) => target === 'all' || target === name);
    if (found === undefined) return undefined;
    if (--found.times <= 0) this.#due = this.#due.filter((due) => due !== found);
    return found.fault;
  }
}
