import { constants } from 'node:os';

/**
 * The exit codes of the command line. `needs_you`: an errand that was watched waits for its person. `closed_pipe`: as
 * of a program that SIGPIPE ended, of which no outcome is known.
 */
export const EXIT = {
  succeeded: 0,
  failed: 1,
  trouble: 2,
  cancelled: 3,
  needs_you: 4,
  interrupted: 130,
  closed_pipe: 141,
} as const;

/** The signals that interrupt a command: Ctrl-C, the end of a job, and that of a terminal. */
export type Interruption = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

/** Why a command was interrupted: the reason of its `AbortSignal`. */
export class Interrupted extends DOMException {
  readonly by: Interruption;

  constructor(by: Interruption) {
    super('Interrupted.', 'AbortError');
    this.by = by;
  }
}

/** The exit code of an interrupted command, as a shell has it. */
export function interruptedCode({ reason }: AbortSignal): number {
  return reason instanceof Interrupted ? 128 + constants.signals[reason.by] : EXIT.interrupted;
}
