import type { FailureReason } from '../../protocol/task.ts';

/** The work ends here without success. `message` is for the person. */
export class Stopped extends Error {
  override readonly name = 'Stopped';
  readonly reason: FailureReason;

  constructor(reason: FailureReason, message: string, cause?: unknown) {
    super(message, { cause });
    this.reason = reason;
  }
}
