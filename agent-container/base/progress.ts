import type { ProgressReporter } from './work.ts';

const SHOWN_COMMAND_CHARS_MAX = 500;

/** The same reporter with another `emit`. */
export function emittingBy(report: ProgressReporter, emit: ProgressReporter['emit']): ProgressReporter {
  return {
    emit,
    delta: (delta) => report.delta(delta),
    waitingFor: (waiting) => report.waitingFor(waiting),
    activity: () => report.activity(),
  };
}

/** Reports that the work waits for a command, for at most `timeout_ms`, while `run` runs it. */
export async function whileCommand<T>(
  report: ProgressReporter,
  command: string,
  timeout_ms: number,
  run: () => Promise<T>,
): Promise<T> {
  const now = Date.now();
  report.waitingFor({
    kind: 'command',
    since: new Date(now).toISOString(),
    command: command.slice(0, SHOWN_COMMAND_CHARS_MAX).toWellFormed(),
    until: new Date(now + timeout_ms).toISOString(),
  });
  try {
    return await run();
  } finally {
    report.waitingFor(null);
  }
}
