import { ErrandError } from '../../protocol/problem.ts';
import type { Redactor, RedactorData } from '../base/redactor.ts';
import type { EventLog } from '../sqlite/event-log.ts';
import type { TaskClaims } from '../auth/task-tokens.ts';
import type { HeldBack } from './redact-callbacks.ts';

/** What it takes to redact one callback, in any thread. */
export type Redaction = { secrets: RedactorData; held: HeldBack };

/** What is known of the secrets of each task. Tasks without secrets cost one look-up. */
export class CallbackRedaction {
  readonly #redactorOf: (task_id: string) => Redactor | undefined;
  /** What was held back of the deltas of each task, by its newest attempt that had some. */
  readonly #held = new Map<string, { attempt: number; held: HeldBack }>();

  constructor(log: EventLog, redactorOf: (task_id: string) => Redactor | undefined) {
    this.#redactorOf = redactorOf;
    log.subscribe('attempt.ended', ({ task_id }) => this.#held.delete(task_id));
  }

  /** What to redact from a callback with; undefined: there is nothing to redact. */
  of({ task_id, attempt }: TaskClaims): Redaction | undefined {
    const secrets = this.#redactorOf(task_id)?.data;
    const last = this.#held.get(task_id);
    return secrets && { secrets, held: last?.attempt === attempt ? last.held : new Map<string, string>() };
  }

  /** Keeps what was held back of deltas that an active attempt has sent, for those that follow. */
  hold({ task_id, attempt }: TaskClaims, held: HeldBack): void {
    if (held.size > 0) this.#held.set(task_id, { attempt, held });
    else this.#held.delete(task_id);
  }

  /** The error with its texts redacted: they may name what was sent. */
  error(task_id: string, error: unknown): unknown {
    const redactor = this.#redactorOf(task_id);
    if (!redactor || !(error instanceof ErrandError)) return error;
    const { code, message, errors, expected_seq, retry_after_s } = error;
    const redacted = redactor.redactValue({ message, errors });
    if (redacted.message === message && redacted.errors === errors) return error;
    return new ErrandError(code, redacted.message, {
      ...(redacted.errors && { errors: redacted.errors }),
      ...(expected_seq !== undefined && { expected_seq }),
      ...(retry_after_s !== undefined && { retry_after_s }),
    });
  }
}
