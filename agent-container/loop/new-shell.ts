import { z } from 'zod';
import type { TranscriptEvent } from '../../protocol/worker-schemas.ts';
import { isInside, pathToText, relativePath } from '../base/byte-path.ts';
import { cutMiddle } from '../base/head-and-tail.ts';
import { inLog } from '../shell/background-commands.ts';
import type { Shell } from '../shell/shell.ts';

/** Begins each such note, also those of older workers. */
const BEGINNING = '[Errand] A new worker goes on from here,';
const INTRODUCTION = `${BEGINNING} with a new shell.`;
const COMMAND_CHARS_MAX = 200;
/** Of many commands only the newest are named. */
const NAMED_MAX = 16;

const CommandStarted = z.object({
  name: z.literal('run_command'),
  ref: z.string(),
  input: z.object({ command: z.string(), background: z.unknown().optional() }),
});
/** A result without an exit code: the command went on in the background, where a message had moved it. */
const CommandMoved = z.object({
  name: z.literal('run_command'),
  ref: z.string(),
  is_error: z.literal(false),
  exit_code: z.undefined().optional(),
});
const Input = z.object({ text: z.string() });

/**
 * What a model must know that has used the shell of a previous attempt: the working directory is restored, variables
 * and background commands are gone. Null if it has used none since it was last told.
 */
export function newShellNote(transcript: TranscriptEvent[], cwd: Buffer, repo_dir: string): string | null {
  const told = transcript.findLastIndex(({ type, body }) => type === 'input.added' && isNote(body));
  const events = transcript.slice(told + 1);
  const commands = events.flatMap(({ type, body }) =>
    type === 'tool.started' ? (CommandStarted.safeParse(body).data ?? []) : [],
  );
  if (commands.length === 0) return null;
  const moved = new Set(
    events.map(({ type, body }) => (type === 'tool.finished' ? CommandMoved.safeParse(body).data?.ref : undefined)),
  );
  const background = commands.filter(({ ref, input }) => isTrue(input.background) || moved.has(ref)).slice(-NAMED_MAX);
  const names = background.map(({ input }) => `- ${cutMiddle(input.command, COMMAND_CHARS_MAX)}`);
  return [
    INTRODUCTION,
    `The working folder is ${shownCwd(cwd, Buffer.from(repo_dir))}. The variables that you exported are gone.`,
    ...(names.length === 0
      ? []
      : ['These commands no longer run in the background, and their ids are void:', ...names]),
  ].join('\n');
}

/** The tool takes a text too. */
const isTrue = (value: unknown): boolean => value === true || value === 'true';

function isNote(body: unknown): boolean {
  return Input.safeParse(body).data?.text.startsWith(BEGINNING) === true;
}

function shownCwd(cwd: Buffer, repo_dir: Buffer): string {
  if (cwd.equals(repo_dir)) return 'the root of the repository';
  return isInside(repo_dir, cwd) ? pathToText(relativePath(repo_dir, cwd)) : pathToText(cwd);
}

/** What a model must know of its shell after a summary. */
export function shellNote({ cwd, running }: Pick<Shell, 'cwd' | 'running'>, repo_dir: string): string {
  const names = running.map(({ id, output }) => `- ${id}, with its output${inLog(output)}`);
  return [
    `The working folder is ${shownCwd(cwd, Buffer.from(repo_dir))}.`,
    ...(names.length === 0 ? [] : ['These commands run in the background:', ...names]),
  ].join('\n');
}
