/** A lease that ended. `called`: whether the worker had called at all since the lease was first given. */
export type LostLease = { task_id: string; attempt: number; called: boolean };

/** A worker that has not been heard for a while: since when, and when its lease ends, in milliseconds since 1970. */
export type Silence = { task_id: string; attempt: number; since_ms: number; until_ms: number };

export type LeaseTimes = { lease_ms: number; silent_ms: number };

/** A timer that fires later than this was held up with the whole process: nobody could be heard meanwhile. */
const OWN_SILENCE_MS = 1_000;

type Lease = LostLease & { heard_ms: number; told_silent: boolean };

/**
 * The leases of the attempts under way, in memory, by monotonic time. An attempt whose worker is not heard for `silent_ms` is told of once, and lost
 * after `lease_ms`. They do not outlive the process: on its start every living attempt gets a fresh one.
 */
export class Leases {
  readonly #times: LeaseTimes;
  readonly #on: { silent: (silence: Silence) => void; lost: (lost: LostLease) => void };
  /** Ordered by `heard_ms`: the first is the one to end next, and those that were told of as silent come before the others. */
  readonly #leases = new Map<string, Lease>();
  #timer: NodeJS.Timeout | undefined;
  #due_ms = 0;

  constructor(times: LeaseTimes, on: { silent: (silence: Silence) => void; lost: (lost: LostLease) => void }) {
    this.#times = times;
    this.#on = on;
  }

  /** Gives an attempt a full lease: when it is started, or found at the server's own start. */
  touch(task_id: string, attempt: number): void {
    this.#put({ task_id, attempt, called: false, heard_ms: performance.now(), told_silent: false });
  }

  /** The attempt's worker was heard: its lease, where it has one, is renewed. */
  renew(task_id: string, attempt: number): void {
    if (this.#leases.has(`${task_id}/${attempt}`))
      this.#put({ task_id, attempt, called: true, heard_ms: performance.now(), told_silent: false });
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
    if (!this.#timer) this.#wait(lease);
  }

  /** Sets the timer for what is next with this lease. */
  #wait(lease: Lease): void {
    this.#due_ms = lease.heard_ms + this.#nextAfter(lease);
    this.#timer = setTimeout(() => this.#sweep(), Math.max(1, this.#due_ms - performance.now())).unref();
  }

  #nextAfter({ told_silent }: Lease): number {
    const { lease_ms, silent_ms } = this.#times;
    return told_silent ? lease_ms : Math.min(silent_ms, lease_ms);
  }

  #sweep(): void {
    this.#timer = undefined;
    const now = performance.now();
    const { lease_ms, silent_ms } = this.#times;
    if (now - this.#due_ms > OWN_SILENCE_MS) for (const lease of this.#leases.values()) lease.heard_ms = now;
    const lost: Lease[] = [];
    const silent: Lease[] = [];
    let next: Lease | undefined;
    for (const [key, lease] of this.#leases) {
      if (lease.heard_ms + lease_ms <= now) {
        this.#leases.delete(key);
        lost.push(lease);
        continue;
      }
      if (!lease.told_silent && lease.heard_ms + silent_ms <= now) {
        lease.told_silent = true;
        silent.push(lease);
      }
      if (!next || lease.heard_ms + this.#nextAfter(lease) < next.heard_ms + this.#nextAfter(next)) next = lease;
      // Those that follow were heard later.
      if (!lease.told_silent) break;
    }
    if (next) this.#wait(next);
    for (const { task_id, attempt, called } of lost) this.#on.lost({ task_id, attempt, called });
    const clock_ms = Date.now() - now;
    for (const { task_id, attempt, heard_ms } of silent)
      this.#on.silent({
        task_id,
        attempt,
        since_ms: clock_ms + heard_ms,
        until_ms: clock_ms + heard_ms + lease_ms,
      });
  }
}
