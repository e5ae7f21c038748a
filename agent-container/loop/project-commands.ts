import { formatDuration } from '../base/duration.ts';
import { AttemptFailure } from '../base/failure.ts';
import { whileCommand } from '../base/progress.ts';
import { whileListening } from '../base/while-listening.ts';
import type { MessageSource, ProgressReporter } from '../base/work.ts';
import { describeExit } from '../shell/process-group.ts';
import type { CommandResult, Shell } from '../shell/shell.ts';
import type { RecordEvent } from './transcript.ts';

const COMMAND_MS_MAX = 30 * 60_000;
const INTERRUPTED = 'The verify command was ended because a message came. It runs again when the agent ends.';

type Options = {
  /** The shell of the setup command. The others get the variables that it exports, and start in the repository. */
  shell: Shell;
  /** The number of the attempt. */
  attempt: number;
  report: ProgressReporter;
  messages: MessageSource;
  /** How long a message waits for the end of the verify command. */
  message_wait_ms: number;
  record: RecordEvent;
};

/**
 * How the verify command ended. `interrupted`: a message came, and the command was ended for it. `has_run`: false where
 * the shell could not start it, or a program that it needs.
 */
export type Verified = { kind: 'passed' | 'interrupted' } | { kind: 'failed'; text: string; has_run: boolean };

/** The exit codes of a shell for what may not be executed, and for what was not found. */
const NOT_RUN: readonly (number | null)[] = [126, 127];

/** Runs the project's setup and verify commands, and reports what came of them. */
export class ProjectCommands {
  readonly #options: Options;
  #verify_runs = 0;

  constructor(options: Options) {
    this.#options = options;
  }

  /**
   * Runs the setup command. It runs in each attempt: the next one has the same workspace but a new container, and all
   * further commands get the variables that it exports. Rejects with `AttemptFailure` if it fails.
   */
  async setup(command: string): Promise<void> {
    const { shell, record } = this.#options;
    await record({ type: 'step.started', body: { step: 'setup' } });
    const result = await this.#whileCommand(command, () => shell.run(command, COMMAND_MS_MAX, this.#relay('setup')));
    const { exit_code, output, duration_ms } = result;
    await record({ type: 'setup.finished', body: { command, exit_code, output, duration_ms } });
    if (exit_code !== 0) throw new AttemptFailure('setup_failed', describeFailure('setup', command, result));
  }

  /**
   * Runs the verify command, each time in a shell of its own: neither the agent's commands nor an earlier run change
   * where it starts. The text of a failure is for the model. Where a message waits, the work goes on with it and is
   * verified again later, so the rest of the run would tell nothing.
   */
  async verify(command: string): Promise<Verified> {
    const { shell, attempt, messages, message_wait_ms, record } = this.#options;
    const own = shell.fork(`attempt-${attempt}-verify-${++this.#verify_runs}`);
    await record({ type: 'step.started', body: { step: 'verify' } });
    const onText = this.#relay('verify');
    const result = await this.#whileCommand(command, () =>
      whileListening(messages, message_wait_ms, (moves) => own.runOrMove(command, COMMAND_MS_MAX, { onText, moves })),
    );
    if ('id' in result) {
      await own.stop(result.id);
      await record({ type: 'log', body: { level: 'info', text: INTERRUPTED } });
      return { kind: 'interrupted' };
    }
    const { exit_code, output, duration_ms } = result;
    const passed = exit_code === 0;
    await record({ type: 'verify.finished', body: { command, passed, exit_code, output, duration_ms } });
    if (passed) return { kind: 'passed' };
    const text = describeFailure('verify', command, result);
    return { kind: 'failed', text, has_run: !NOT_RUN.includes(exit_code) };
  }

  #relay(ref: 'setup' | 'verify'): (text: string) => void {
    return (text) => this.#options.report.delta({ ref, kind: 'output', text });
  }

  #whileCommand<T>(command: string, run: () => Promise<T>): Promise<T> {
    return whileCommand(this.#options.report, command, COMMAND_MS_MAX, run);
  }
}

function describeFailure(name: string, command: string, result: CommandResult): string {
  const { output, duration_ms, log, in_log } = result;
  const how = `${describeExit(result)}, after ${formatDuration(duration_ms)}`;
  const note = log === null ? '' : `\n[${in_log} in ${log}]`;
  return `The ${name} command failed (${how}): ${command}\n\n${output.trim() || '(no output)'}${note}`;
}
