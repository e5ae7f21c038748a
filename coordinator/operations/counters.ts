import type { ErrorCode } from '../../protocol/problem.ts';
import type { EventLog } from '../sqlite/event-log.ts';

/** Counts events since this process started, as they happen: counting the rows of a long log would be too slow. */
export class Counters {
  /** Events stored, from workers and from the coordinator. */
  events = 0;
  /** By `status` and `reason`; the reason of a success is empty. */
  readonly attempts_ended = new Counts<{ status: string; reason: string }>();
  /** By the new status. */
  readonly task_changes = new Counts<{ to: string }>();
  /** Refused requests and upgrades of the public API, by error code. */
  readonly requests_refused = new Counts<{ code: ErrorCode }>();
  /** Refused calls of workers, by error code. */
  readonly refused = new Counts<{ code: ErrorCode }>();

  constructor(log: EventLog) {
    log.subscribeToAll((rows) => (this.events += rows.length));
    log.subscribe('attempt.ended', ({ body: { status, reason } }) =>
      this.attempts_ended.add({ status, reason: reason ?? '' }),
    );
    log.subscribe('task.status', ({ body: { to } }) => this.task_changes.add({ to }));
  }
}

/** A counter per set of labels. The labels must always be given in the same order. */
class Counts<Labels extends Record<string, string>> {
  readonly #counts = new Map<string, { labels: Labels; count: number }>();

  add(labels: Labels): void {
    const key = JSON.stringify(labels);
    const known = this.#counts.get(key);
    if (known) known.count++;
    else this.#counts.set(key, { labels, count: 1 });
  }

  all(): [Labels, number][] {
    return [...this.#counts.values()].map(({ labels, count }) => [labels, count]);
  }
}
