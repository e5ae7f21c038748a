import type { WorkerEvent } from '../../protocol/events.ts';
import { endOf, type CommandResult, type Shell } from '../shell/shell.ts';
import { inWords } from '../base/text.ts';
import type { Report } from '../base/work.ts';
import { Stopped } from './stopped.ts';

const COMMAND_MS_MAX = 30 * 60_000;

type Around = { report: Report; record: (event: WorkerEvent) => Promise<void> };

/**
 * Runs the project's setup command. It runs in each attempt: a next one has the same workspace, but a new container around it, and the variables that it
 * exports are those of all further commands. Rejects with `Stopped` where it fails.
 */
export async function runSetup(shell: Shell, command: string, around: Around): Promise<void> {
  await around.record({ type: 'step.started', body: { step: 'setup' } });
  const result = await run(shell, command, 'setup', around);
  const { exit_code, output, duration_ms } = result;
  await around.record({ type: 'setup.finished', body: { command, exit_code, output, duration_ms } });
  if (exit_code !== 0) throw new Stopped('setup_failed', failureOf('setup', command, result));
}

/** Runs the project's verify command. Null where it passed, else words that say how it failed, with its output. */
export async function runVerify(shell: Shell, command: string, around: Around): Promise<string | null> {
  await around.record({ type: 'step.started', body: { step: 'verify' } });
  const result = await run(shell, command, 'verify', around);
  const { exit_code, output, duration_ms } = result;
  const passed = exit_code === 0;
  await around.record({ type: 'verify.finished', body: { command, passed, exit_code, output, duration_ms } });
  return passed ? null : failureOf('verify', command, result);
}

async function run(shell: Shell, command: string, ref: string, { report }: Around): Promise<CommandResult> {
  const now = Date.now();
  report.waitingFor({
    kind: 'command',
    since: new Date(now).toISOString(),
    command: command.slice(0, 500),
    until: new Date(now + COMMAND_MS_MAX).toISOString(),
  });
  try {
    return await shell.run(command, COMMAND_MS_MAX, (text) => report.delta({ ref, kind: 'output', text }));
  } finally {
    report.waitingFor(null);
  }
}

function failureOf(what: string, command: string, result: CommandResult): string {
  const { output, duration_ms, log } = result;
  const rest = log === null ? '' : `\n[the whole output is in ${log}]`;
  return `The ${what} command failed (${endOf(result)}, after ${inWords(duration_ms)}): ${command}\n\n${output.trim() || '(no output)'}${rest}`;
}
