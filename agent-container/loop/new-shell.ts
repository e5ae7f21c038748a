import { z } from 'zod';
import type { TranscriptEvent } from '../../protocol/worker-schemas.ts';
import { isInside, pathToText, relativePath } from '../base/byte-path.ts';
import { cutMiddle } from '../base/head-and-tail.ts';

const INTRODUCTION = '[Errand] A new worker goes on from here, with the same files but a new shell.';
const COMMAND_CHARS_MAX = 200;
/** Of many commands only the newest are named. */
const NAMED_MAX = 16;

const CommandStarted = z.object({
  name: z.literal('run_command'),
  input: z.object({ command: z.string(), background: z.boolean().optional() }),
});
const Input = z.object({ text: z.string() });

/**
 * What a model must know that has used the shell of a previous attempt: the working directory is restored, variables
 * and background commands are gone. Null if it has used none since it was last told.
 */
export function newShellNote(transcript: TranscriptEvent[], cwd: Buffer, repo_dir: string): string | null {
  const told = transcript.findLastIndex(({ type, body }) => type === 'input.added' && isNote(body));
  const commands = transcript
    .slice(told + 1)
    .flatMap(({ type, body }) => (type === 'tool.started' ? (CommandStarted.safeParse(body).data?.input ?? []) : []));
  if (commands.length === 0) return null;
  const background = commands.filter(({ background }) => background === true).slice(-NAMED_MAX);
  const names = background.map(({ command }) => `- ${cutMiddle(command, COMMAND_CHARS_MAX)}`);
  return [
    INTRODUCTION,
    `The working folder is ${shownCwd(cwd, Buffer.from(repo_dir))}. The variables that you exported are gone.`,
    ...(names.length === 0
      ? []
      : ['These commands no longer run in the background, and their ids are void:', ...names]),
  ].join('\n');
}

function isNote(body: unknown): boolean {
  return Input.safeParse(body).data?.text.startsWith(INTRODUCTION) === true;
}

function shownCwd(cwd: Buffer, repo_dir: Buffer): string {
  if (cwd.equals(repo_dir)) return 'the root of the repository';
  return isInside(repo_dir, cwd) ? pathToText(relativePath(repo_dir, cwd)) : pathToText(cwd);
}
