import { z } from 'zod';
import type { WorkerEvent } from '../../protocol/events.ts';
import { PlanItem } from '../../protocol/task.ts';
import type { TranscriptEvent } from '../../protocol/worker.ts';
import { Block, type Message } from '../model/client.ts';

/*
 * The conversation as the fold of its events. The live loop and a resumed one apply the same events to it, so a next attempt sends the same prefix,
 * byte for byte.
 */

const content = z.array(Block);
const Folded = z.discriminatedUnion('type', [
  z.object({ type: z.literal('conversation.started'), body: z.object({ system: z.string(), content }) }),
  z.object({
    type: z.literal('turn.finished'),
    body: z.object({ turn: z.number(), content, stop_reason: z.string() }),
  }),
  z.object({ type: z.literal('tool.started'), body: z.object({ ref: z.string() }) }),
  z.object({ type: z.literal('tool.finished'), body: z.object({ ref: z.string(), content, is_error: z.boolean() }) }),
  z.object({ type: z.literal('input.added'), body: z.object({ text: z.string(), message_id: z.string().optional() }) }),
  z.object({ type: z.literal('plan.updated'), body: z.object({ items: z.array(PlanItem) }) }),
]);

const ToolUse = z.object({ type: z.literal('tool_use'), id: z.string(), name: z.string(), input: z.unknown() });
/** A call that the model made and that has no result yet. */
export type Call = { ref: string; name: string; input: unknown; started: boolean };

type Turn = {
  turn: number;
  stop_reason: string;
  calls: { ref: string; name: string; input: unknown }[];
};

export class Transcript {
  system: string | null = null;
  plan: z.infer<typeof PlanItem>[] = [];
  /** The last words of the agent. */
  words = '';
  /** The messages of people that are in the conversation, by id. */
  readonly heard = new Set<string>();
  /** The tools that were called, in the order of their first calls. */
  readonly toolNames = new Set<string>();
  #messages: Message[] = [];
  #turn: Turn | undefined;
  #kept = false;
  #started = new Set<string>();
  #results = new Map<string, Block>();
  #inputs: Block[] = [];

  /** Takes an event in; those that are no part of a conversation change nothing. Throws `ZodError` where one is not what it should be. */
  apply(event: WorkerEvent | TranscriptEvent): void {
    if (!Folded.options.some((option) => option.shape.type.value === event.type)) return;
    const { type, body } = Folded.parse(event);
    switch (type) {
      case 'conversation.started':
        this.system = body.system;
        this.#messages = [{ role: 'user', content: body.content }];
        return;
      case 'turn.finished':
        return this.#begin(body.turn, body.content, body.stop_reason);
      case 'tool.started':
        this.#started.add(body.ref);
        return;
      case 'tool.finished':
        this.#results.set(body.ref, {
          type: 'tool_result',
          tool_use_id: body.ref,
          content: body.content,
          is_error: body.is_error,
        });
        return;
      case 'input.added':
        if (body.message_id !== undefined) this.heard.add(body.message_id);
        this.#inputs.push({ type: 'text', text: body.text });
        return;
      case 'plan.updated':
        this.plan = body.items;
    }
  }

  /** The number of the newest turn; 0 before the first. */
  get turn(): number {
    return this.#turn?.turn ?? 0;
  }

  /** Why the newest turn stopped, where its words are the last of the conversation; null where it is the model's turn to speak. */
  get stopped(): string | null {
    const answered = this.openCalls().length === 0 && (this.#results.size > 0 || this.#inputs.length > 0);
    return this.#turn && this.#kept && !answered ? this.#turn.stop_reason : null;
  }

  /** The newest turn's calls that have no result. */
  openCalls(): Call[] {
    if (!this.#kept) return [];
    return (this.#turn?.calls ?? [])
      .filter(({ ref }) => !this.#results.has(ref))
      .map((call) => ({ ...call, started: this.#started.has(call.ref) }));
  }

  /** Whether some of the newest turn's calls have a result. */
  get hasResults(): boolean {
    return this.#results.size > 0;
  }

  /** The conversation as the next request sends it. */
  messages(): Message[] {
    const reply = this.#reply();
    return reply.length === 0 ? this.#messages : append(this.#messages, reply);
  }

  #begin(turn: number, content: Block[], stop_reason: string): void {
    const reply = this.#reply();
    if (reply.length > 0) this.#messages = append(this.#messages, reply);
    this.#started.clear();
    this.#results.clear();
    this.#inputs = [];
    const calls = content.flatMap((block) => {
      const parsed = ToolUse.safeParse(block);
      return parsed.success ? [{ ref: parsed.data.id, name: parsed.data.name, input: parsed.data.input }] : [];
    });
    this.words = textOf(content) || this.words;
    this.#turn = { turn, stop_reason, calls };
    this.#kept = isKept(content, stop_reason);
    if (!this.#kept) return;
    for (const { name } of calls) this.toolNames.add(name);
    this.#messages = [...this.#messages, { role: 'assistant', content }];
  }

  /** The answer to the newest turn: all results first, in the order of the calls, and then what was said. */
  #reply(): Block[] {
    const calls = this.#kept ? (this.#turn?.calls ?? []) : [];
    const results = calls.flatMap(({ ref }) => this.#results.get(ref) ?? []);
    return [...results, ...this.#inputs];
  }
}

function textOf(content: Block[]): string {
  return content
    .flatMap((block) => (block.type === 'text' && typeof block['text'] === 'string' ? [block['text']] : []))
    .join('\n\n')
    .trim();
}

/**
 * Whether an answer becomes part of the conversation. Not so an empty one, which the API refuses; one that was cut off within a thought, whose signature
 * is missing; a refusal; and one that did not fit: the request that it answered is made again.
 */
function isKept(content: Block[], stop_reason: string): boolean {
  if (stop_reason === 'refusal' || stop_reason === 'model_context_window_exceeded') return false;
  const unsigned = content.some((block) => block.type === 'thinking' && (block['signature'] ?? '') === '');
  const blank = content.every((block) => block.type === 'text' && textOf([block]) === '');
  return !unsigned && !blank;
}

/** Adds to the last message where it is the user's too: an answer before it was not kept. */
function append(messages: Message[], content: Block[]): Message[] {
  const last = messages.at(-1);
  if (last?.role !== 'user') return [...messages, { role: 'user', content }];
  return [...messages.slice(0, -1), { role: 'user', content: [...last.content, ...content] }];
}
