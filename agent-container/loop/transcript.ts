import { z } from 'zod';
import { TurnUsage, type WorkerEvent } from '../../protocol/events.ts';
import { PlanItem } from '../../protocol/task.ts';
import type { TranscriptEvent } from '../../protocol/worker-schemas.ts';
import { ContentBlock, type ModelMessage } from '../model/message.ts';
import { isServerNote } from '../base/server-note.ts';
import { ContextSize } from './context-size.ts';
import { STANDING_CHANGED } from './standing.ts';
import { validAnswer, validInput, validResult } from '../model/valid-content.ts';

const content = z.array(ContentBlock);
const ConversationEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('conversation.started'), body: z.object({ system: z.string(), content }) }),
  z.object({
    type: z.literal('turn.finished'),
    body: z.object({
      turn: z.number(),
      content,
      stop_reason: z.string(),
      usage: TurnUsage.optional(),
      replaces_messages: z.number().optional(),
    }),
  }),
  z.object({ type: z.literal('tool.started'), body: z.object({ ref: z.string() }) }),
  z.object({ type: z.literal('tool.finished'), body: z.object({ ref: z.string(), content, is_error: z.boolean() }) }),
  z.object({
    type: z.literal('input.added'),
    body: z.object({
      text: z.string(),
      source: z.string(),
      message_id: z.string().optional(),
      attachment_id: z.string().optional(),
      content: content.optional(),
    }),
  }),
  z.object({ type: z.literal('plan.updated'), body: z.object({ items: z.array(PlanItem) }) }),
]);

/** Begins a note that says again what the conversation began with. */
export const OPENING_AGAIN = '[Errand] The conversation so far was summarised. It began with this, word for word:';

const ToolUse = z.object({ type: z.literal('tool_use'), id: z.string(), name: z.string(), input: z.unknown() });

/** Reports an event, and applies it to the transcript. */
export type RecordEvent = (event: WorkerEvent) => Promise<void>;

type TurnBody = z.infer<(typeof ConversationEvent.options)[1]>['body'];
type ToolCall = { ref: string; name: string; input: unknown };
/** A tool call of the model that has no result yet. */
export type OpenCall = ToolCall & { started: boolean };

type Turn = {
  turn: number;
  stop_reason: string;
  calls: ToolCall[];
  /** Whether the model's message is part of the conversation. */
  is_kept: boolean;
};

/**
 * The conversation, built from its events. A running attempt and a resumed one apply the same events, so the next
 * attempt sends the same prefix, byte for byte.
 */
export class Transcript {
  system: string | null = null;
  plan: z.infer<typeof PlanItem>[] = [];
  /** The newest text of the model. */
  last_text = '';
  /** What the conversation began with, and the messages of people since. */
  opening: ContentBlock[] = [];
  readonly said: string[] = [];
  /**
   * Whether a person has written since the beginning. Files, and notes that the server sends for them, are no words.
   */
  has_heard_person = false;
  /** The newest note about standing instructions that are others than those at the beginning; empty: none. */
  standing_note = '';
  /** Whether the conversation was summarised, and its beginning was not said again since. */
  lacks_opening = false;
  readonly size = new ContextSize();
  /** The ids of the messages that are part of the conversation. */
  readonly message_ids = new Set<string>();
  /** The ids of the attachments that are part of the conversation. */
  readonly attachment_ids = new Set<string>();
  #messages: ModelMessage[] = [];
  /** The ids of all calls. */
  #call_ids = new Set<string>();
  #turn: Turn | undefined;
  /** The reply to the newest turn: which calls have started, their results, and what was said. */
  #started = new Set<string>();
  #results = new Map<string, ContentBlock>();
  #inputs: ContentBlock[] = [];

  /** Applies an event; one that is no part of a conversation changes nothing. Throws `ZodError` if it is malformed. */
  apply(event: WorkerEvent | TranscriptEvent): void {
    if (!ConversationEvent.options.some((option) => option.shape.type.value === event.type)) return;
    const { type, body } = ConversationEvent.parse(event);
    switch (type) {
      case 'conversation.started':
        this.system = body.system;
        this.opening = validResult(body.content);
        this.#messages = [{ role: 'user', content: this.opening }];
        return;
      case 'turn.finished':
        return body.replaces_messages === undefined ? this.#addTurn(body) : this.#addSummary(body);
      case 'tool.started':
        this.#started.add(body.ref);
        return;
      case 'tool.finished':
        this.#results.set(body.ref, {
          type: 'tool_result',
          tool_use_id: body.ref,
          content: validResult(body.content),
          is_error: body.is_error,
        });
        return;
      case 'input.added':
        if (body.message_id !== undefined) this.message_ids.add(body.message_id);
        if (body.text.startsWith(OPENING_AGAIN)) this.lacks_opening = false;
        if (body.source === 'harness' && body.text.startsWith(STANDING_CHANGED))
          this.standing_note = validInput(body.text);
        if (body.source === 'person') this.said.push(validInput(body.text));
        if (isOfPerson(body)) this.has_heard_person = true;
        this.#inputs.push({ type: 'text', text: validInput(body.text) });
        if (body.attachment_id !== undefined) this.attachment_ids.add(body.attachment_id);
        if (body.content !== undefined && body.content.length > 0) this.#inputs.push(...validResult(body.content));
        return;
      case 'plan.updated':
        this.plan = body.items;
    }
  }

  /** The number of the newest turn; 0 before the first. */
  get turn(): number {
    return this.#turn?.turn ?? 0;
  }

  /** Why the newest turn stopped. */
  get stop_reason(): string {
    return this.#turn?.stop_reason ?? 'none';
  }

  /** Why the newest turn stopped, while it has no complete reply. Null: the next request may be made. */
  get unanswered_stop_reason(): string | null {
    const is_answered = this.openCalls().length === 0 && (this.#results.size > 0 || this.#inputs.length > 0);
    return this.#turn?.is_kept && !is_answered ? this.#turn.stop_reason : null;
  }

  /** The newest turn's calls that have no result. */
  openCalls(): OpenCall[] {
    return this.#calls()
      .filter(({ ref }) => !this.#results.has(ref))
      .map((call) => ({ ...call, started: this.#started.has(call.ref) }));
  }

  /** Whether some of the newest turn's calls have a result. */
  get has_results(): boolean {
    return this.#results.size > 0;
  }

  /** The conversation as the next request sends it. */
  messages(): ModelMessage[] {
    const reply = this.#reply();
    return reply.length === 0 ? this.#messages : appendUser(this.#messages, reply);
  }

  /** The texts of the user in the conversation, without the results of tools. */
  texts(): string[] {
    return this.messages().flatMap(({ role, content }) => (role === 'user' ? [textOf(content)] : []));
  }

  /** The content of the model's answer as it becomes part of the conversation, and of its event. */
  validAnswer(content: readonly unknown[]): ContentBlock[] {
    return validAnswer(content, this.#call_ids, this.turn + 1);
  }

  #addTurn({ turn, content: answer, stop_reason, usage }: TurnBody): void {
    // An older version stored answers as they came.
    const content = this.validAnswer(answer);
    this.#closeTurn();
    const calls = content.flatMap((block) => {
      const parsed = ToolUse.safeParse(block);
      return parsed.success ? [{ ref: parsed.data.id, name: parsed.data.name, input: parsed.data.input }] : [];
    });
    const is_kept = isKept(content, stop_reason);
    this.last_text = textOf(content) || this.last_text;
    this.#turn = { turn, stop_reason, calls, is_kept };
    if (!is_kept) return;
    if (usage !== undefined) this.size.add(this.#messages.length, usage);
    for (const { ref } of calls) this.#call_ids.add(ref);
    if (content.some(hasSummary)) this.lacks_opening = true;
    this.#messages = [...this.#messages, { role: 'assistant', content }];
  }

  /** Puts a summary in the place of the first messages. The rest stays, and with it what the next request answers. */
  #addSummary({ turn, content, stop_reason, replaces_messages = 0 }: TurnBody): void {
    this.#closeTurn();
    this.#turn = { turn, stop_reason, calls: [], is_kept: false };
    if (!isSummary(content)) return;
    this.#messages = [{ role: 'assistant', content }, ...this.#messages.slice(replaces_messages)];
    this.size.clear();
    this.lacks_opening = true;
  }

  /** The reply to the newest turn becomes a part of the conversation. */
  #closeTurn(): void {
    this.#messages = this.messages();
    this.#started.clear();
    this.#results.clear();
    this.#inputs = [];
  }

  /** The reply to the newest turn: all results first, in the order of the calls, then what was said. */
  #reply(): ContentBlock[] {
    const results = this.#calls().flatMap(({ ref }) => this.#results.get(ref) ?? []);
    return [...results, ...this.#inputs];
  }

  #calls(): ToolCall[] {
    return this.#turn?.is_kept ? this.#turn.calls : [];
  }
}

type InputBody = Extract<z.infer<typeof ConversationEvent>, { type: 'input.added' }>['body'];
const isOfPerson = ({ source, attachment_id, text }: InputBody): boolean =>
  source === 'person' && attachment_id === undefined && !isServerNote(text);

/** Whether an answer is a summary that can take the place of messages: the API may fail to write one. */
function isSummary(content: ContentBlock[]): boolean {
  return content.length === 1 && content.every(hasSummary);
}

const hasSummary = (block: ContentBlock): boolean =>
  block.type === 'compaction' && typeof block['content'] === 'string';

function textOf(content: ContentBlock[]): string {
  return content
    .flatMap((block) => (block.type === 'text' && typeof block['text'] === 'string' ? [block['text']] : []))
    .join('\n\n')
    .trim();
}

/**
 * Whether the model's message becomes part of the conversation. If not, the same request is made again. Left out are:
 * one without a valid block, such as one cut off in its thinking; a refusal; and one that exceeded the context window.
 */
function isKept(content: ContentBlock[], stop_reason: string): boolean {
  return content.length > 0 && stop_reason !== 'refusal' && stop_reason !== 'model_context_window_exceeded';
}

/** Appends user content: to the last message if that is the user's too, because the model's message was left out. */
function appendUser(messages: ModelMessage[], content: ContentBlock[]): ModelMessage[] {
  const last = messages.at(-1);
  if (last?.role !== 'user') return [...messages, { role: 'user', content }];
  return [...messages.slice(0, -1), { role: 'user', content: [...last.content, ...content] }];
}
