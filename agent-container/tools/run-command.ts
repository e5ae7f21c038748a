import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { endOf, type CommandResult } from '../shell/shell.ts';
import { headAndTail, inWords } from '../base/text.ts';
import { shownPath } from './paths.ts';
import { defineTool, ToolError, type ToolContext } from './tool.ts';

const TIMEOUT_S_DEFAULT = 120;
const TIMEOUT_S_MAX = 1800;
/** Of one command's output, what is relayed while it runs; all of it is in the result or in its file. */
const LIVE_CHARS_MAX = 200_000;
/** A background command that fails at once is told of at once. */
const FIRST_LOOK_MS = 300;

export const runCommand = defineTool({
  name: 'run_command',
  description:
    'Runs a command in bash, in the repository. The working folder and exported variables stay for the next command; nothing else of the shell does. There is ' +
    'no terminal and nobody to answer: use flags such as -y, and no editors or pagers. Gives the output (stdout and stderr together; of a long one the head ' +
    `and the tail, and the file with the rest) and the exit code. The time limit is ${TIMEOUT_S_DEFAULT} s unless \`timeout_s\` says otherwise (at most ` +
    `${TIMEOUT_S_MAX}); then the command and all that it started end. A server, or anything that is to run on, needs \`background: true\`: it gives an id for ` +
    'stop_command and the file that its output goes to.',
  input: z.strictObject({
    command: z.string().min(1),
    timeout_s: z.number().min(1).max(TIMEOUT_S_MAX).optional(),
    background: z.boolean().optional(),
  }),
  run: async ({ command, timeout_s = TIMEOUT_S_DEFAULT, background = false }, context) => {
    if (command.includes('\0')) throw new ToolError('The command holds a NUL character.');
    if (background) return startInBackground(command, context);
    const { shell, report, ref } = context;
    const timeout_ms = timeout_s * 1000;
    const now = Date.now();
    report.waitingFor({
      kind: 'command',
      since: new Date(now).toISOString(),
      command: command.slice(0, 500).toWellFormed(),
      until: new Date(now + timeout_ms).toISOString(),
    });
    let live = 0;
    const relay = (text: string) => {
      live += text.length;
      if (live <= LIVE_CHARS_MAX) report.delta({ ref, kind: 'output', text });
      else report.heard();
    };
    try {
      const result = await shell.run(command, timeout_ms, relay);
      const text = await describe(result, context);
      return { content: [{ type: 'text', text }], is_error: result.timed_out, exit_code: result.exit_code };
    } finally {
      report.waitingFor(null);
    }
  },
});

export const stopCommand = defineTool({
  name: 'stop_command',
  description: 'Ends a command that runs in the background, with all that it started, and gives the end of its output.',
  input: z.strictObject({ id: z.string().min(1) }),
  run: async ({ id }, { shell }) => {
    const stopped = await shell.stop(id);
    if (!stopped) throw new ToolError(`No command of the name ${id} was started in the background.`);
    const state = stopped.was_running ? 'was ended' : 'had ended already';
    return `${id} ${state}. Its output, in ${stopped.log}:\n${await outputIn(stopped.log)}`;
  },
});

async function startInBackground(command: string, { shell, signal }: ToolContext): Promise<string> {
  const { id, log } = await shell.start(command);
  for (let waited = 0; waited < FIRST_LOOK_MS && !shell.exitOf(id); waited += 50)
    await pause(50, undefined, { signal });
  const exit = shell.exitOf(id);
  if (!exit) return `It runs in the background as ${id}. Its output goes to ${log}: read it with read_file.`;
  const { log: written } = (await shell.stop(id)) ?? { log };
  return `It ended at once (${endOf(exit)}). Its output:\n${await outputIn(written)}`;
}

async function outputIn(log: string): Promise<string> {
  return headAndTail((await readFile(log, 'utf8').catch(() => '')).trim()) || '(no output)';
}

async function describe(result: CommandResult, context: ToolContext): Promise<string> {
  const { output, log, duration_ms, left_behind, cwd, cwd_changed, timed_out } = result;
  const notes = [`${endOf(result)}, ${inWords(duration_ms)}`];
  if (log !== null) notes.push(`the whole output is in ${log}: search it or read it in parts`);
  if (timed_out)
    notes.push(
      'the working folder and the variables are as they were before it; give a larger timeout_s, or use background: true',
    );
  if (left_behind && !timed_out)
    notes.push('processes that it left running were ended: to keep one running use background: true');
  if (cwd_changed) notes.push(`the working folder is now ${await shownPath(cwd, context)}`);
  return `${output.trim() === '' ? '(no output)' : output.trimEnd()}\n${notes.map((note) => `[${note}]`).join('\n')}`;
}
