import { z } from 'zod';
import { formatDuration } from '../base/duration.ts';
import { whileListening } from '../base/while-listening.ts';
import { whileCommand } from '../base/progress.ts';
import { within } from '../base/within.ts';
import { inLog, type BackgroundCommand } from '../shell/background-commands.ts';
import { describeExit } from '../shell/process-group.ts';
import type { CommandResult } from '../shell/shell.ts';
import { shownPath } from './paths.ts';
import { defineTool, ToolError, type ToolContext } from './tool.ts';

const TIMEOUT_S_DEFAULT = 120;
const TIMEOUT_S_MAX = 1800;
/** How much of one command's output is relayed while it runs. The result, or its file, has all of it. */
const RELAYED_CHARS_MAX = 200_000;
const NOT_RELAYED = '\n[more output follows; it shows when the command ends]\n';
/** A background command that fails within this time is reported as failed right away. */
const EARLY_EXIT_MS = 1_000;
const STATE_LOST =
  'the working folder and the variables are as they were before it: it ended the shell, set an EXIT trap, or removed its folder';
const NO_OUTPUT = '(no output)';
const ENDS_WITH_WORK = 'It ends with your work at the latest: wait for it first if the work needs it.';

export const runCommand = defineTool({
  name: 'run_command',
  description:
    'Runs a command in bash, in the repository. The working folder and exported variables stay for the next command; nothing ' +
    'else of the shell does. There is no terminal and nobody to answer: use flags such as -y, and no editors or pagers. ' +
    '`CI=true` is set: package managers may refuse to change a lock file, and test runners to write new snapshots, unless a ' +
    'flag says so. Gives the output (stdout and stderr together; of a long one the head and the tail, and the file with the ' +
    `rest) and the exit code. The time limit is ${TIMEOUT_S_DEFAULT} s unless \`timeout_s\` says otherwise (at most ` +
    `${TIMEOUT_S_MAX}); at its limit the command ends, with all that it started. A server, or anything that is to keep ` +
    'running, needs `background: true`: it gives an id for stop_command and the file that its output goes to.',
  input: z.strictObject({
    command: z.string().min(1),
    timeout_s: z.number().min(1).max(TIMEOUT_S_MAX).optional(),
    background: z.boolean().optional(),
  }),
  ignored: ['description'],
  run: async ({ command, timeout_s = TIMEOUT_S_DEFAULT, background = false }, context) => {
    if (command.includes('\0')) throw new ToolError('The command contains a NUL character.');
    if (background) return startInBackground(command, context);
    const { shell, report, messages, message_wait_ms } = context;
    const timeout_ms = timeout_s * 1000;
    const onText = relayTo(context);
    const result = await whileCommand(report, command, timeout_ms, () =>
      whileListening(messages, message_wait_ms, (moves) => shell.runOrMove(command, timeout_ms, { onText, moves })),
    );
    if ('id' in result) return describeMoved(result, timeout_s);
    const text = await describeResult(result, context);
    return { content: [{ type: 'text', text }], is_error: result.timed_out, exit_code: result.exit_code };
  },
});

export const stopCommand = defineTool({
  name: 'stop_command',
  description: 'Ends a background command, with all that it started, and gives the end of its output.',
  input: z.strictObject({ id: z.string().min(1) }),
  run: async ({ id }, { shell }) => {
    const stopped = await shell.stop(id);
    if (!stopped) throw new ToolError(`There is no background command with the id ${id}.`);
    const state = stopped.was_running ? 'was ended' : 'had ended already';
    return `${id} ${state}. Its output${inLog(stopped.output)}:\n${shownOf(stopped)}`;
  },
});

/** Relays a command's output up to a limit, and says so there; beyond it only that there is some. */
function relayTo({ report, ref }: ToolContext): (text: string) => void {
  let relayed_chars = 0;
  return (text) => {
    const was_within = relayed_chars <= RELAYED_CHARS_MAX;
    relayed_chars += text.length;
    if (relayed_chars <= RELAYED_CHARS_MAX) report.delta({ ref, kind: 'output', text });
    else if (was_within) report.delta({ ref, kind: 'output', text: NOT_RELAYED });
    else report.activity();
  };
}

async function startInBackground(command: string, { shell, signal }: ToolContext): Promise<string> {
  const started = await shell.start(command);
  const { id, output, finished } = started;
  const exit = await within(EARLY_EXIT_MS, finished);
  signal.throwIfAborted();
  started.is_told = exit !== undefined;
  if (exit) return `It ended at once (${describeExit(exit)}). Its output:\n${shownOf(started)}`;
  return `It runs in the background as ${id}. ${whereOutputIs(output)} You are told when it ends. ${ENDS_WITH_WORK}`;
}

/** The result of a command that a message has moved to the background. */
const describeMoved = ({ id, output }: BackgroundCommand, timeout_s: number): string =>
  `${output.text.trim() || NO_OUTPUT}\n` +
  `[It still runs, in the background as ${id}, since the person has written: their message follows. ` +
  `${whereOutputIs(output)} It ends at its time limit of ${timeout_s} s at the latest, and you are told when it ends. ` +
  `${ENDS_WITH_WORK} The working folder and the variables are as they were before it.]`;

const whereOutputIs = ({ log }: BackgroundCommand['output']): string =>
  log === null
    ? 'Its output could not be written to a file: stop_command gives it.'
    : `Its output goes to ${log}: read it with read_file.`;

const shownOf = ({ output }: Pick<BackgroundCommand, 'output'>) => output.text.trim() || NO_OUTPUT;

async function describeResult(result: CommandResult, context: ToolContext): Promise<string> {
  const { output, log, in_log, duration_ms, left_behind, cwd, cwd_changed, timed_out } = result;
  const notes = [`${describeExit(result)}, ${formatDuration(duration_ms)}`];
  if (log !== null) notes.push(`${in_log} in ${log}: search it or read it in parts`);
  if (timed_out)
    notes.push(
      'the working folder and the variables are as they were before it; give a larger timeout_s, or use background: true',
    );
  if (result.is_state_lost) notes.push(STATE_LOST);
  if (left_behind && !timed_out)
    notes.push('processes that it left running were ended: to keep one running use background: true');
  if (result.cwd_was_gone) notes.push('the working folder was gone: it began in the root of the repository');
  if (cwd_changed) notes.push(`the working folder is now ${await shownPath(cwd, context)}`);
  const text = output.trim() === '' ? NO_OUTPUT : output.trimEnd();
  return `${text}\n${notes.map((note) => `[${note}]`).join('\n')}`;
}
