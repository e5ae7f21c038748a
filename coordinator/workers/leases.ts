import { attemptKey } from '../domain/attempt-key.ts';
import { QuietTime } from './quiet-time.ts';

/** An expired lease. `has_called`: whether the worker has called at all since the lease was first given. */
export type ExpiredLease = { task_id: string; attempt: number; has_called: boolean };

/**
 * A worker that has not called for a while. `since_ms`: its last call; `until_ms`: when its lease expires. Both since
 * 1970.
 */
export type Silence = { task_id: string; attempt: number; since_ms: number; until_ms: number };

export type LeaseTimes = { lease_ms: number; silent_ms: number };

/** `quiet`: since its last call. */
type Lease = ExpiredLease & { quiet: QuietTime; reported_silent: boolean };

/** Called with what the leases report. */
export type LeaseEvents = { silent: (silence: Silence) => void; expired: (lease: ExpiredLease) => void };

/**
 * The leases of the active attempts, in memory, by monotonic time. An attempt whose worker makes no call for
 * `silent_ms` is reported once as silent; after `lease_ms` its lease expires. Leases do not outlive the process: at
 * the start of the server every active attempt gets a new one.
 */
export class Leases {
  readonly #times: LeaseTimes;
  readonly #on: LeaseEvents;
  /**
   * Ordered by the time of the last call: the first lease expires next, and leases that were reported as silent come
   * before the others.
   */
  readonly #leases = new Map<string, Lease>();
  #timer: NodeJS.Timeout | undefined;
  #due_ms = 0;

  constructor(times: LeaseTimes, on: LeaseEvents) {
    this.#times = times;
    this.#on = on;
  }

  /** Gives an attempt a full lease: when it starts, or at the start of the server. */
  begin(task_id: string, attempt: number): void {
    this.#put({ task_id, attempt, has_called: false, ...notQuiet() });
  }

  /** Renews the lease of an attempt whose worker has called, if it has one. */
  renew(task_id: string, attempt: number): void {
    const has_lease = this.#leases.has(attemptKey({ task_id, attempt }));
    if (has_lease) this.#put({ task_id, attempt, has_called: true, ...notQuiet() });
  }

  /** Drops the lease of an attempt that has ended. */
  end(task_id: string, attempt: number): void {
    this.#leases.delete(attemptKey({ task_id, attempt }));
  }

  /** Drops all leases. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#leases.clear();
  }

  #put(lease: Lease): void {
    const key = attemptKey(lease);
    this.#leases.delete(key);
    this.#leases.set(key, lease);
    // The timer may be set for the lease of a silent worker, which expires much later than this one is due.
    if (!this.#timer || lease.quiet.since_ms + this.#nextAfter(lease) < this.#due_ms) this.#wait(lease);
  }

  /** Sets the timer for the next change of this lease. */
  #wait(lease: Lease): void {
    clearTimeout(this.#timer);
    this.#due_ms = lease.quiet.since_ms + this.#nextAfter(lease);
    this.#timer = setTimeout(() => this.#sweep(), Math.max(1, this.#due_ms - performance.now())).unref();
  }

  #nextAfter({ reported_silent }: Lease): number {
    const { lease_ms, silent_ms } = this.#times;
    return reported_silent ? lease_ms : Math.min(silent_ms, lease_ms);
  }

  #sweep(): void {
    this.#timer = undefined;
    const now = performance.now();
    const { lease_ms, silent_ms } = this.#times;
    for (const { quiet } of this.#leases.values()) quiet.leaveOut(now - this.#due_ms, now, lease_ms);
    const expired: Lease[] = [];
    const silent: Lease[] = [];
    let next: Lease | undefined;
    for (const [key, lease] of this.#leases) {
      if (lease.quiet.since_ms + lease_ms <= now) {
        this.#leases.delete(key);
        expired.push(lease);
        continue;
      }
      if (!lease.reported_silent && lease.quiet.since_ms + silent_ms <= now) {
        lease.reported_silent = true;
        silent.push(lease);
      }
      if (!next || lease.quiet.since_ms + this.#nextAfter(lease) < next.quiet.since_ms + this.#nextAfter(next))
        next = lease;
      // The others called later.
      if (!lease.reported_silent) break;
    }
    if (next) this.#wait(next);
    for (const { task_id, attempt, has_called } of expired) this.#on.expired({ task_id, attempt, has_called });
    const clock_ms = Date.now() - now;
    for (const { task_id, attempt, quiet } of silent) {
      const since_ms = clock_ms + quiet.since_ms;
      this.#on.silent({ task_id, attempt, since_ms, until_ms: since_ms + lease_ms });
    }
  }
}

const notQuiet = () => ({ quiet: new QuietTime(), reported_silent: false });
