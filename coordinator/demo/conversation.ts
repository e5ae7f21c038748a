import { z } from 'zod';

const Result = z.union([z.string(), z.array(z.looseObject({ type: z.string(), text: z.string().optional() }))]);
const Block = z.looseObject({
  type: z.string(),
  text: z.string().optional(),
  id: z.string().optional(),
  name: z.string().optional(),
  input: z.record(z.string(), z.unknown()).optional(),
  tool_use_id: z.string().optional(),
  content: Result.optional(),
  is_error: z.boolean().nullish(),
});
type Block = z.infer<typeof Block>;

/** What the demo model reads of a request. */
export const DemoRequest = z.looseObject({
  model: z.string(),
  stream: z.boolean().optional(),
  tools: z.array(z.looseObject({ name: z.string().optional() })).default([]),
  messages: z.array(z.object({ role: z.string(), content: z.union([z.string(), z.array(Block)]) })).min(1),
});
export type DemoRequest = z.infer<typeof DemoRequest>;

/** A tool that was called, and what came of it. */
export type Call = { name: string; input: Record<string, unknown>; output: string; is_error: boolean };

/** A conversation as the demo model sees it: what was said to it and what it did, each in order. It remembers nothing besides. */
export class Conversation {
  readonly tools: ReadonlySet<string>;
  /** All that people and the harness said, the task first. */
  readonly said: string[] = [];
  /** What of it came since the model last spoke; nothing at the start. */
  unheard: string[] = [];
  readonly calls: Call[] = [];

  constructor(request: DemoRequest) {
    this.tools = new Set(request.tools.flatMap(({ name }) => name ?? []));
    const open = new Map<string, Call>();
    for (const { role, content } of request.messages) {
      if (role === 'assistant') this.unheard = [];
      const blocks: Block[] = typeof content === 'string' ? [{ type: 'text', text: content }] : content;
      for (const block of blocks) {
        if (block.type === 'text' && role !== 'assistant') {
          this.unheard.push(block.text ?? '');
          this.said.push(block.text ?? '');
        }
        if (block.type === 'tool_use')
          open.set(block.id ?? '', { name: block.name ?? '', input: block.input ?? {}, output: '', is_error: true });
        const call = block.type === 'tool_result' ? open.get(block.tool_use_id ?? '') : undefined;
        if (call) this.calls.push({ ...call, output: textOf(block), is_error: block.is_error === true });
      }
    }
  }

  /** The newest call of a tool, where `matches` holds for its input. */
  newest(name: string, matches: (input: Record<string, unknown>) => boolean = () => true): Call | undefined {
    return this.calls.findLast((call) => call.name === name && matches(call.input));
  }

  /** A file's text as far as the conversation knows it: as it was last read or written, with the edits since. Undefined: it was not read. */
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

function textOf({ content = '' }: Block): string {
  return typeof content === 'string' ? content : content.map((block) => block.text ?? '').join('\n');
}

/** The text of a file that was shown with a number before each line, and perhaps with remarks around it. */
function withoutNumbers(shown: string): string {
  const numbered = shown.split('\n').flatMap((line) => /^\s*\d+(?:\t|→|: ?|\| ?| {2})(.*)$/.exec(line)?.[1] ?? []);
  return numbered.length > 0 ? numbered.join('\n') : shown;
}
