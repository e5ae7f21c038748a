import type { ErrorCode } from '../../protocol/problem.ts';
import type { EventLog } from '../sqlite/event-log.ts';

/** What has happened since this process started, counted as it happens: to count the rows of a long log would take too long. */
export class Counters {
  /** Events stored, of workers and of the coordinator. */
  events = 0;
  /** By `status` and `reason`; a success has no reason. */
  readonly attempts_ended = new Counts<{ status: string; reason: string }>();
  /** By the status that tasks came to. */
  readonly task_changes = new Counts<{ to: string }>();
  /** Calls of workers that were refused, by the code. */
  readonly refused = new Counts<{ code: ErrorCode }>();

  constructor(log: EventLog) {
    log.subscribeToAll((rows) => (this.events += rows.length));
    log.subscribe('attempt.ended', ({ body: { status, reason } }) =>
      this.attempts_ended.add({ status, reason: reason ?? '' }),
    );
    log.subscribe('task.status', ({ body: { to } }) => this.task_changes.add({ to }));
  }
}

/** How often each of a few things happened; a thing is known by its labels, always in the same order. */
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
