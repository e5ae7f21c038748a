import type { WorkerEvent } from '../../protocol/events.ts';
import type { FailureReason, TaskResult } from '../../protocol/task.ts';
import { advance, endAttempt } from '../../coordinator/tasks/advance.ts';
import type { EventLog } from '../../coordinator/sqlite/event-log.ts';
import { markAttemptRunning } from '../../coordinator/sqlite/attempts.ts';
import { updateResult } from '../../coordinator/sqlite/progress.ts';
import { startAttempt, taskOf } from './fixtures.ts';

/** An errand whose worker is the test: it writes events straight to the log, and watchers receive them. */
export class StagedErrand {
  readonly id: string;
  readonly #log: EventLog;
  #seq = 0;

  constructor(log: EventLog, id: string) {
    this.#log = log;
    this.id = id;
  }

  /** Starts the next attempt and its worker's first call. */
  begin(): void {
    this.#seq = 0;
    const n = startAttempt(this.#log, this.id);
    this.#log.write((tx) => {
      markAttemptRunning(tx.db, this.id, n);
      advance(tx, taskOf(this.#log, this.id), { type: 'worker_called', at: now() });
    });
  }

  /** Reports events as the worker. */
  report(...events: WorkerEvent[]): void {
    this.#log.write((tx) => {
      const { user_id, attempt } = taskOf(this.#log, this.id);
      for (const { type, body } of events)
        tx.append({
          task_id: this.id,
          user_id,
          attempt,
          seq: ++this.#seq,
          type,
          at: now(),
          body: JSON.stringify(body),
        });
    });
  }

  /** Ends the attempt, and the errand unless the reason is retryable or it is parked. */
  end(
    status: 'succeeded' | 'failed' | 'cancelled' | 'parked',
    reason: FailureReason | null = null,
    result?: TaskResult,
    given: { detail?: string; retry_at?: string } = {},
  ): void {
    this.#log.write((tx) => {
      const task = taskOf(this.#log, this.id);
      if (result) {
        updateResult(tx.db, this.id, result, now());
        tx.note(
          task,
          {
            type: 'task.result',
            body: {
              summary: result.summary,
              branch: result.branch,
              commit: result.commit,
              diff_stat: result.diff_stat,
            },
          },
          now(),
        );
      }
      const end = { status, reason, detail: reason && `It ended with ${reason}.`, at: now(), ...given };
      endAttempt(tx, task, task.attempt, end);
    });
  }
}

const now = () => new Date().toISOString();
