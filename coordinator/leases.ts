/** A lease that ended. `called`: whether the worker had called at all since the lease was first given. */
export type LostLease = { task_id: string; attempt: number; called: boolean };

/** A timer that fires later than this was held up with the whole process: nobody could be heard meanwhile. */
const OWN_SILENCE_MS = 1_000;

type Lease = LostLease & { heard_ms: number };

/**
 * The leases of the attempts under way, in memory, by monotonic time. An attempt whose worker is not heard for `lease_ms` is lost. They do not outlive
 * the process: on its start every living attempt gets a fresh one.
 */
export class Leases {
  readonly #lease_ms: number;
  readonly #onLost: (lost: LostLease) => void;
  /** Ordered by `heard_ms`: the first is the one to end next. */
  readonly #leases = new Map<string, Lease>();
  #timer: NodeJS.Timeout | undefined;
  #due_ms = 0;

  constructor(lease_ms: number, onLost: (lost: LostLease) => void) {
    this.#lease_ms = lease_ms;
    this.#onLost = onLost;
  }

  /** Gives an attempt a full lease: when it is started, or found at the server's own start. */
  touch(task_id: string, attempt: number): void {
    this.#put({ task_id, attempt, called: false, heard_ms: performance.now() });
  }

  /** The attempt's worker was heard: its lease, where it has one, is renewed. */
  renew(task_id: string, attempt: number): void {
    if (this.#leases.has(`${task_id}/${attempt}`))
      this.#put({ task_id, attempt, called: true, heard_ms: performance.now() });
  }

  /** The attempt has ended, and with it its lease. */
  end(task_id: string, attempt: number): void {
    this.#leases.delete(`${task_id}/${attempt}`);
  }

  /** Watches no more. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#leases.clear();
  }

  #put(lease: Lease): void {
    const key = `${lease.task_id}/${lease.attempt}`;
    this.#leases.delete(key);
    this.#leases.set(key, lease);
    if (!this.#timer) this.#wait(lease.heard_ms);
  }

  #wait(heard_ms: number): void {
    this.#due_ms = heard_ms + this.#lease_ms;
    this.#timer = setTimeout(() => this.#sweep(), Math.max(1, this.#due_ms - performance.now())).unref();
  }

  #sweep(): void {
    this.#timer = undefined;
    const now = performance.now();
    if (now - this.#due_ms > OWN_SILENCE_MS) for (const lease of this.#leases.values()) lease.heard_ms = now;
    const lost: Lease[] = [];
    for (const [key, lease] of this.#leases) {
      if (lease.heard_ms + this.#lease_ms > now) {
        this.#wait(lease.heard_ms);
        break;
      }
      this.#leases.delete(key);
      lost.push(lease);
    }
    for (const { task_id, attempt, called } of lost) this.#onLost({ task_id, attempt, called });
  }
}
