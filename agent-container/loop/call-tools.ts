import type { WorkerEvent } from '../../protocol/events.ts';
import type { Block } from '../model/client.ts';
import { headAndTail, type Secrets } from '../base/text.ts';
import { failure, type Tool, type ToolContext, type ToolResult } from '../tools/tool.ts';
import type { Call } from './transcript.ts';

const AT_ONCE_MAX = 8;

export type Caller = {
  tools: readonly Tool[];
  secrets: Secrets;
  /** What all calls of the turn share. */
  context: Omit<ToolContext, 'ref'>;
  record: (event: WorkerEvent) => Promise<void>;
};

/**
 * Runs the calls of a turn in their order: those that only read side by side, the others one at a time. Each gives a `tool.started` and a `tool.finished`.
 * Rejects with the signal's reason alone.
 */
export async function callTools(caller: Caller, turn: number, calls: Call[]): Promise<ToolResult[]> {
  const results: ToolResult[] = [];
  for (const group of groups(caller.tools, calls))
    results.push(...(await Promise.all(group.map((call) => callTool(caller, turn, call)))));
  return results;
}

/** Answers calls that are not to be run. */
export async function refuseCalls(
  caller: Pick<Caller, 'record' | 'secrets'>,
  turn: number,
  calls: Call[],
  words: string,
): Promise<void> {
  for (const call of calls) await finish(caller, turn, call, failure(words), 0);
}

async function callTool(caller: Caller, turn: number, call: Call): Promise<ToolResult> {
  const { ref, name, input } = call;
  caller.context.signal.throwIfAborted();
  await caller.record({ type: 'tool.started', body: { turn, ref, name: name.slice(0, 64), input } });
  const started = performance.now();
  const tool = caller.tools.find((tool) => tool.name === name);
  const result = tool
    ? await tool.run(input, { ...caller.context, ref })
    : failure(`There is no tool ${name}. The tools are ${caller.tools.map((tool) => tool.name).join(', ')}.`);
  return finish(caller, turn, call, result, Math.round(performance.now() - started));
}

async function finish(
  { record, secrets }: Pick<Caller, 'record' | 'secrets'>,
  turn: number,
  { ref, name }: Call,
  { content, is_error, exit_code }: ToolResult,
  duration_ms: number,
): Promise<ToolResult> {
  const shown = content.map((block) => presentable(block, secrets));
  const exit = exit_code === undefined ? {} : { exit_code };
  const body = { turn, ref, name: name.slice(0, 64), is_error, content: shown, duration_ms, ...exit };
  await record({ type: 'tool.finished', body });
  return { content: shown, is_error };
}

/** Without secrets, neither empty nor endless: what the API takes and an event holds. */
function presentable(block: Block, secrets: Secrets): Block {
  if (block.type !== 'text' || typeof block['text'] !== 'string') return block;
  const text = block['text'];
  const bounded = text.length > TEXT_CHARS_MAX ? headAndTail(text) : text;
  const clean = secrets.redact(bounded).toWellFormed();
  return { type: 'text', text: clean.trim() === '' ? '(no output)' : clean };
}
/** Every tool has a bound of its own; this one is for all that come. */
const TEXT_CHARS_MAX = 60_000;

function groups(tools: readonly Tool[], calls: Call[]): Call[][] {
  const reads = (call: Call) => tools.find(({ name }) => name === call.name)?.reads_only ?? false;
  const all: Call[][] = [];
  for (const call of calls) {
    const last = all.at(-1);
    const joins = last?.every(reads) === true && reads(call) && last.length < AT_ONCE_MAX;
    if (joins) last.push(call);
    else all.push([call]);
  }
  return all;
}
