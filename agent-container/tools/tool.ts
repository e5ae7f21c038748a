import { z } from 'zod';
import type { Block, ToolSpec } from '../model/client.ts';
import type { Shell } from '../shell/shell.ts';
import type { Inbox, Report } from '../base/work.ts';

/** What a tool works with. */
export type ToolContext = {
  /** The API's id of the call. */
  ref: string;
  repo_dir: string;
  scratch_dir: string;
  shell: Shell;
  report: Report;
  inbox: Inbox;
  /** What a question may wait at most; the rest of the attempt's time is in it. */
  question_ms: number;
  /** Aborts: the tool rejects with the signal's reason. */
  signal: AbortSignal;
};

export type ToolResult = {
  content: Block[];
  is_error: boolean;
  /** Of a command: how it ended. */
  exit_code?: number | null;
};

export type Tool = ToolSpec & {
  /** Whether it changes nothing, so that several may run side by side. */
  reads_only: boolean;
  /** Never rejects, save with the signal's reason: what goes wrong is a result that the model can act on. */
  run: (input: unknown, context: ToolContext) => Promise<ToolResult>;
};

/** What went wrong, in words that say what to do about it. */
export class ToolError extends Error {
  override readonly name = 'ToolError';
}

type Definition<S extends z.ZodType> = {
  name: string;
  description: string;
  input: S;
  reads_only?: boolean;
  run: (input: z.infer<S>, context: ToolContext) => Promise<string | ToolResult>;
};

/** A tool from its schema and its work. */
export function defineTool<S extends z.ZodType>({ name, description, input, reads_only, run }: Definition<S>): Tool {
  const { $schema: _, ...input_schema } = z.toJSONSchema(input, { io: 'input' });
  return {
    name,
    description,
    input_schema,
    reads_only: reads_only ?? false,
    run: async (raw, context) => {
      const parsed = input.safeParse(raw);
      if (!parsed.success) return failure(`The input is not valid. ${z.prettifyError(parsed.error)}`);
      try {
        const result = await run(parsed.data, context);
        return typeof result === 'string' ? success(result) : result;
      } catch (error) {
        context.signal.throwIfAborted();
        return failure(wordsOf(error));
      }
    },
  };
}

function success(text: string): ToolResult {
  return { content: [{ type: 'text', text }], is_error: false };
}

export function failure(text: string): ToolResult {
  return { content: [{ type: 'text', text }], is_error: true };
}

const SYSTEM_ERRORS: Record<string, string> = {
  ENOENT: 'There is no such file or folder.',
  EACCES: 'There is no permission for that.',
  EISDIR: 'That is a folder, not a file.',
  ENOTDIR: 'A part of the path is a file, not a folder.',
  ENOSPC: 'The disk is full. Delete what is not needed, such as build outputs or caches.',
  ENAMETOOLONG: 'The path is too long.',
  ELOOP: 'The path leads through too many links.',
};

function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return SYSTEM_ERRORS[code] ?? error.message;
}
