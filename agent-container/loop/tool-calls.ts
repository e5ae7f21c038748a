import { headAndTail } from '../base/head-and-tail.ts';
import type { Secrets } from '../base/secrets.ts';
import type { ContentBlock } from '../model/message.ts';
import { errorResult, type Tool, type ToolContext, type ToolResult } from '../tools/tool.ts';
import type { OpenCall, RecordEvent } from './transcript.ts';

const PARALLEL_MAX = 8;
/** Each tool has a limit of its own; this one holds for all. */
const TEXT_CHARS_MAX = 60_000;
/** From how much text on the results of a turn are long enough: each later request pays for all of it. */
const TURN_CHARS_MAX = 200_000;
/** As the contract bounds it. A model can make up any name. */
const NAME_CHARS_MAX = 64;
const PERSON_WROTE =
  'Not executed: the person has written meanwhile. Read that first, and make the call again if it is still right.';
const TURN_IS_LONG =
  'Not executed: the results of this turn are long already. Make the call again, if you still need it.';

type Options = {
  tools: readonly Tool[];
  /** The part of the context that all calls share. */
  context: Omit<ToolContext, 'ref' | 'question_ms'>;
  record: RecordEvent;
  /** Why a call of the tool with this name may not run now; null: it may. */
  whyHeld: (name: string) => string | null;
};

/** Runs the tool calls of a turn. Each gives the events `tool.started` and `tool.finished`. */
export class ToolCalls {
  readonly #options: Options;
  /** How much text the results of this turn have. */
  #turn_chars = 0;

  constructor(options: Options) {
    this.#options = options;
  }

  /**
   * Runs calls in their order, and calls in a row that only read in parallel. Once a person has written it refuses the
   * rest, from the first call on that does more than read; once the results are long, all of the rest. `questionMs`:
   * how long a question that begins now may wait for its answer. Rejects as the tools do.
   */
  async run(turn: number, calls: OpenCall[], questionMs: () => number): Promise<ToolResult[]> {
    const results: ToolResult[] = [];
    this.#turn_chars = 0;
    for (const group of this.#groups(calls)) {
      const refusal = await this.#whyRefused(group);
      if (refusal !== null) return [...results, ...(await this.refuse(turn, calls.slice(results.length), refusal))];
      results.push(...(await Promise.all(group.map((call) => this.#run(turn, call, questionMs)))));
    }
    return results;
  }

  /** Gives calls that are not run an error as their result. */
  async refuse(turn: number, calls: OpenCall[], text: string): Promise<ToolResult[]> {
    const results: ToolResult[] = [];
    for (const call of calls) results.push(await this.#finish(turn, call, errorResult(text), 0));
    return results;
  }

  /**
   * Why these calls and those after them are refused; null: they are not. A person who has written may not want them. A
   * question that is asked again may have its answer.
   */
  async #whyRefused(calls: OpenCall[]): Promise<string | null> {
    if (this.#turn_chars >= TURN_CHARS_MAX) return TURN_IS_LONG;
    if (calls.every((call) => this.#readsOnly(call)) || calls.some(({ started }) => started)) return null;
    return (await this.#options.context.messages.areWaiting()) ? PERSON_WROTE : null;
  }

  async #run(turn: number, call: OpenCall, questionMs: () => number): Promise<ToolResult> {
    const { tools, context, record } = this.#options;
    const { ref, name, input } = call;
    context.signal.throwIfAborted();
    await record({ type: 'tool.started', body: { turn, ref, name: name.slice(0, NAME_CHARS_MAX), input } });
    const started = performance.now();
    const tool = tools.find((tool) => tool.name === name);
    const mask = tool?.reads_only === false ? context.secrets.findMask(JSON.stringify(input)) : undefined;
    const held = this.#options.whyHeld(name);
    if (held !== null) return this.#finish(turn, call, errorResult(held), 0);
    if (mask !== undefined) return this.#finish(turn, call, errorResult(maskRefusal(mask)), 0);
    const result = tool
      ? await tool.run(input, { ...context, ref, question_ms: questionMs() })
      : errorResult(`There is no tool ${name}. The tools are ${tools.map((tool) => tool.name).join(', ')}.`);
    // One of several that ran in parallel. It only read, so it can be made again.
    if (this.#turn_chars >= TURN_CHARS_MAX && this.#readsOnly(call))
      return this.#finish(turn, call, errorResult(TURN_IS_LONG), 0);
    return this.#finish(turn, call, result, Math.round(performance.now() - started));
  }

  async #finish(turn: number, call: OpenCall, result: ToolResult, duration_ms: number): Promise<ToolResult> {
    const { is_error, exit_code } = result;
    const content = result.content.map((block) => presentable(block, this.#options.context.secrets));
    this.#turn_chars += content.reduce((sum, block) => sum + textOf(block).length, 0);
    const name = call.name.slice(0, NAME_CHARS_MAX);
    const exit = exit_code === undefined ? {} : { exit_code };
    const body = { turn, ref: call.ref, name, is_error, content, duration_ms, ...exit };
    await this.#options.record({ type: 'tool.finished', body });
    return { content, is_error, ...exit };
  }

  /** Calls that may run in parallel: those in a row that only read. */
  #groups(calls: OpenCall[]): OpenCall[][] {
    const readsOnly = (call: OpenCall) => this.#readsOnly(call);
    const groups: OpenCall[][] = [];
    for (const call of calls) {
      const last = groups.at(-1);
      const joins = last?.every(readsOnly) === true && readsOnly(call) && last.length < PARALLEL_MAX;
      if (joins) last.push(call);
      else groups.push([call]);
    }
    return groups;
  }

  #readsOnly({ name }: OpenCall): boolean {
    return this.#options.tools.find((tool) => tool.name === name)?.reads_only ?? false;
  }
}

/** A mask takes the place of a value in what the model reads. Written into a file it would destroy the value there. */
const maskRefusal = (name: string): string =>
  `Not executed: [secret ${name}] is not the text of the file or command; it hides the value of the variable ${name}. ` +
  `Write code that reads the variable, or leave the line that has it as it is and change the lines around it.`;

/** Makes a text block fit for the API and for an event: secrets redacted, not empty, not too long. */
function presentable(block: ContentBlock, secrets: Secrets): ContentBlock {
  if (block.type !== 'text' || typeof block['text'] !== 'string') return block;
  // Before it is cut: a half of a secret is not found.
  const clean = secrets.redact(block['text']).toWellFormed();
  const text = clean.length > TEXT_CHARS_MAX ? headAndTail(clean) : clean;
  return { type: 'text', text: text.trim() === '' ? '(no output)' : text };
}

const textOf = ({ type, text }: ContentBlock): string => (type === 'text' && typeof text === 'string' ? text : '');
