import type { FailureReason } from '../../protocol/task.ts';

/** Ends the attempt as failed, for a reason of the contract. `message` is shown to the user. */
export class AttemptFailure extends Error {
  override readonly name = 'AttemptFailure';
  readonly reason: FailureReason;

  constructor(reason: FailureReason, message: string, cause?: unknown) {
    super(message, { cause });
    this.reason = reason;
  }
}
