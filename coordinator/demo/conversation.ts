import { z } from 'zod';
import { shapeOf } from '../../protocol/json-shape.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { parse } from '../../protocol/problem.ts';
import { parseJson } from '../base/json-body.ts';
import { job } from '../base/threads.ts';

const ToolResultContent = z.union([
  z.string(),
  z.array(z.looseObject({ type: z.string(), text: z.string().optional() })),
]);
const ContentBlock = z.looseObject({
  type: z.string(),
  text: z.string().optional(),
  id: z.string().optional(),
  name: z.string().optional(),
  input: z.record(z.string(), z.unknown()).optional(),
  tool_use_id: z.string().optional(),
  content: ToolResultContent.optional(),
  is_error: z.boolean().nullish(),
});
type ContentBlock = z.infer<typeof ContentBlock>;

/** The fields of a model request that the demo model reads. */
const DemoRequest = z.looseObject({
  model: z.string(),
  stream: z.boolean().optional(),
  tools: z.array(z.looseObject({ name: z.string().optional() })).default([]),
  messages: z.array(z.object({ role: z.string(), content: z.union([z.string(), z.array(ContentBlock)]) })).min(1),
});
export type DemoRequest = z.infer<typeof DemoRequest>;

/** Reads a model request. Throws `invalid` or `too_large`. */
function readDemoRequest(json: Buffer): DemoRequest {
  return parse(DemoRequest, parseJson(json, shapeOf(LIMITS.llm_body_nodes_max)), 'The model request');
}

export const DEMO_REQUEST = job('coordinator/demo/conversation.ts', 'DEMO_REQUEST', readDemoRequest);

/** A tool call and its result. */
export type ToolCall = { name: string; input: Record<string, unknown>; output: string; is_error: boolean };

/** The conversation so far: the user's texts and the tool calls, each in order. The demo model has no other state. */
export class Conversation {
  readonly tools: ReadonlySet<string>;
  /** All texts of the user and the harness; the first is the task's prompt. */
  readonly user_texts: string[] = [];
  /** Those after the model's last turn. */
  new_user_texts: string[] = [];
  readonly calls: ToolCall[] = [];

  constructor(request: DemoRequest) {
    this.tools = new Set(request.tools.flatMap(({ name }) => name ?? []));
    const open = new Map<string, ToolCall>();
    for (const { role, content } of request.messages) {
      if (role === 'assistant') this.new_user_texts = [];
      const blocks: ContentBlock[] = typeof content === 'string' ? [{ type: 'text', text: content }] : content;
      for (const block of blocks) {
        if (block.type === 'text' && role !== 'assistant') {
          this.new_user_texts.push(block.text ?? '');
          this.user_texts.push(block.text ?? '');
        }
        if (block.type === 'tool_use')
          open.set(block.id ?? '', { name: block.name ?? '', input: block.input ?? {}, output: '', is_error: true });
        const call = block.type === 'tool_result' ? open.get(block.tool_use_id ?? '') : undefined;
        if (call) this.calls.push({ ...call, output: textOf(block), is_error: block.is_error === true });
      }
    }
  }

  /** The last call of a tool whose input matches. */
  lastCall(name: string, matches: (input: Record<string, unknown>) => boolean = () => true): ToolCall | undefined {
    return this.calls.findLast((call) => call.name === name && matches(call.input));
  }

  /** A file's text as last read or written, with the edits since then. Undefined: it was never read. */
  file(path: string): string | undefined {
    let text: string | undefined;
    for (const { name, input, output, is_error } of this.calls) {
      if (is_error || input['path'] !== path) continue;
      if (name === 'read_file') text = withoutNumbers(output);
      if (name === 'write_file') text = String(input['content']);
      if (name === 'edit_file') text = text?.replace(String(input['old_text']), () => String(input['new_text']));
    }
    return text;
  }
}

function textOf({ content = '' }: ContentBlock): string {
  return typeof content === 'string' ? content : content.map((block) => block.text ?? '').join('\n');
}

/** Removes the line numbers of `read_file`'s output, and any remarks around the numbered lines. */
function withoutNumbers(shown: string): string {
  const numbered = shown.split('\n').flatMap((line) => /^\s*\d+(?:\t|\u2192|: ?|\| ?| {2})(.*)$/.exec(line)?.[1] ?? []);
  return numbered.length > 0 ? numbered.join('\n') : shown;
}
