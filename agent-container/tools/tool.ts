import { z } from 'zod';
import { ErrandError } from '../../protocol/problem.ts';
import { WorkParked } from '../base/work-parked.ts';
import { errorCode } from '../base/error-code.ts';
import type { Secrets } from '../base/secrets.ts';
import type { MessageSource, ProgressReporter } from '../base/work.ts';
import type { ContentBlock, ToolSpec } from '../model/message.ts';
import type { Shell } from '../shell/shell.ts';

/** What a tool call works with. */
export type ToolContext = {
  /** The API's id of the call. */
  ref: string;
  repo_dir: string;
  /** The task's further repositories. */
  other_dirs: string[];
  scratch_dir: string;
  /** What else the tools may read. */
  read_dirs: string[];
  shell: Shell;
  /** A tool that cuts a text redacts it before: of a secret at the cut a part would be left, which is not found. */
  secrets: Secrets;
  report: ProgressReporter;
  messages: MessageSource;
  /** How long a message waits for the end of a command. */
  message_wait_ms: number;
  /** How long a question may wait for its answer here. */
  question_ms: number;
  /** Whether the work is then parked until the answer comes. Otherwise it goes on without an answer. */
  parks: boolean;
  /** Aborts: the tool rejects with the signal's reason. */
  signal: AbortSignal;
};

export type ToolResult = {
  content: ContentBlock[];
  is_error: boolean;
  /** Of a command. Null if a signal ended it. */
  exit_code?: number | null;
};

export type Tool = ToolSpec & {
  /** Whether it changes nothing, so that several calls may run in parallel. */
  reads_only: boolean;
  /**
   * Rejects only with the signal's reason, with `WorkParked`, or with the `ErrandError` of a call to the coordinator,
   * which ends the work. Any other error becomes a result that the model can react to.
   */
  run: (input: unknown, context: ToolContext) => Promise<ToolResult>;
};

/** A failed tool call. `message` tells the model what went wrong, and what to do about it. */
export class ToolError extends Error {
  override readonly name = 'ToolError';
}

type ToolDefinition<S extends z.ZodType> = {
  name: string;
  description: string;
  input: S;
  reads_only?: boolean;
  /** What models add to the input although no schema names it, and which changes nothing. */
  ignored?: string[];
  /** A text is the content of a successful result. */
  run: (input: z.infer<S>, context: ToolContext) => Promise<string | ToolResult>;
};

/** Makes a tool of its input schema and its function. */
export function defineTool<S extends z.ZodType>(definition: ToolDefinition<S>): Tool {
  const { name, description, input, reads_only = false, ignored = [], run } = definition;
  const { $schema: _, ...input_schema } = z.toJSONSchema(input, { io: 'input' });
  return {
    name,
    description,
    input_schema,
    reads_only,
    run: async (raw, context) => {
      const parsed = parseLeniently(input, raw, ignored);
      if (!parsed.success) return errorResult(`The input is not valid. ${z.prettifyError(parsed.error)}`);
      return resultOf(() => run(parsed.data, context), context);
    },
  };
}

/** Makes a result of what a tool returns or rejects with, as `Tool.run` has it. */
export async function resultOf(
  run: () => Promise<string | ToolResult>,
  { signal }: Pick<ToolContext, 'signal'>,
): Promise<ToolResult> {
  try {
    const result = await run();
    return typeof result === 'string' ? textResult(result) : result;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof WorkParked || error instanceof ErrandError) throw error;
    return errorResult(describeError(error));
  }
}

/**
 * Parses what models really send: null counts as absent, and a number or a boolean may come as a text. What else is
 * wrong stays an error, as an unknown field, which may say what no other does.
 */
function parseLeniently<S extends z.ZodType>(
  input: S,
  raw: unknown,
  ignored: string[],
): z.ZodSafeParseResult<z.infer<S>> {
  const { data: fields } = z.record(z.string(), z.unknown()).safeParse(raw);
  if (fields === undefined) return input.safeParse(raw);
  const given = Object.entries(fields).filter(([key, value]) => value !== null && !ignored.includes(key));
  const first = input.safeParse(Object.fromEntries(given));
  const texts = new Set(first.error?.issues.filter(isOfOtherType).map(({ path }) => path[0]));
  if (texts.size === 0) return first;
  return input.safeParse(
    Object.fromEntries(given.map(([key, value]) => [key, texts.has(key) ? valueOf(value) : value])),
  );
}

const isOfOtherType = (issue: z.core.$ZodIssue): boolean =>
  issue.code === 'invalid_type' && issue.path.length === 1 && ['number', 'int', 'boolean'].includes(issue.expected);

/** The number or boolean that a text is. */
function valueOf(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  if (value === 'true' || value === 'false') return value === 'true';
  return /^\s*\d+(\.\d+)?\s*$/.test(value) ? Number(value) : value;
}

/** The result of a failed call. */
export function errorResult(text: string): ToolResult {
  return { ...textResult(text), is_error: true };
}

function textResult(text: string): ToolResult {
  return { content: [{ type: 'text', text }], is_error: false };
}

const SYSTEM_ERRORS: Record<string, string> = {
  ENOENT: 'There is no such file or folder.',
  EACCES: 'Permission denied.',
  EISDIR: 'That is a folder, not a file.',
  ENOTDIR: 'A part of the path is a file, not a folder.',
  ENOSPC: 'The disk is full. Delete what is not needed, such as build outputs or caches.',
  ENAMETOOLONG: 'The path is too long.',
  ELOOP: 'The path leads through too many links.',
};

function describeError(error: unknown): string {
  return SYSTEM_ERRORS[errorCode(error) ?? ''] ?? (error instanceof Error ? error.message : String(error));
}
