import type { FailureReason } from '../../protocol/task.ts';

/**
 * Ends the attempt as failed, for a reason of the contract. `message` is shown to the user. `retry_at`: when the
 * service that failed takes requests again, as it said itself.
 */
export class AttemptFailure extends Error {
  override readonly name = 'AttemptFailure';
  readonly reason: FailureReason;
  readonly retry_at: string | null;

  constructor(reason: FailureReason, message: string, cause?: unknown, retry_at: string | null = null) {
    super(message, { cause });
    this.reason = reason;
    this.retry_at = retry_at;
  }
}
