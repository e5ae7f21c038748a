import { formatDuration } from '../base/duration.ts';
import { AttemptFailure } from '../base/failure.ts';
import { whileCommand } from '../base/progress.ts';
import type { ProgressReporter } from '../base/work.ts';
import { describeExit } from '../shell/process-group.ts';
import type { CommandResult, Shell } from '../shell/shell.ts';
import type { RecordEvent } from './transcript.ts';

const COMMAND_MS_MAX = 30 * 60_000;

type Options = {
  /** The shell of the setup command. The others get the variables that it exports, and start in the repository. */
  shell: Shell;
  /** The number of the attempt. */
  attempt: number;
  report: ProgressReporter;
  record: RecordEvent;
};

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
    const result = await this.#run(shell, command, 'setup');
    const { exit_code, output, duration_ms } = result;
    await record({ type: 'setup.finished', body: { command, exit_code, output, duration_ms } });
    if (exit_code !== 0) throw new AttemptFailure('setup_failed', describeFailure('setup', command, result));
  }

  /**
   * Runs the verify command, each time in a shell of its own: neither the agent's commands nor an earlier run change
   * where it starts. Null: it passed. Otherwise a text for the model that says how it failed.
   */
  async verify(command: string): Promise<string | null> {
    const { shell, attempt, record } = this.#options;
    const own = shell.fork(`attempt-${attempt}-verify-${++this.#verify_runs}`);
    await record({ type: 'step.started', body: { step: 'verify' } });
    const result = await this.#run(own, command, 'verify');
    const { exit_code, output, duration_ms } = result;
    const passed = exit_code === 0;
    await record({ type: 'verify.finished', body: { command, passed, exit_code, output, duration_ms } });
    return passed ? null : describeFailure('verify', command, result);
  }

  #run(shell: Shell, command: string, ref: 'setup' | 'verify'): Promise<CommandResult> {
    const { report } = this.#options;
    const onText = (text: string) => report.delta({ ref, kind: 'output', text });
    return whileCommand(report, command, COMMAND_MS_MAX, () => shell.run(command, COMMAND_MS_MAX, onText));
  }
}

function describeFailure(name: string, command: string, result: CommandResult): string {
  const { output, duration_ms, log } = result;
  const how = `${describeExit(result)}, after ${formatDuration(duration_ms)}`;
  const note = log === null ? '' : `\n[the whole output is in ${log}]`;
  return `The ${name} command failed (${how}): ${command}\n\n${output.trim() || '(no output)'}${note}`;
}
