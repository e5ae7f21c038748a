import { createHash, createHmac } from 'node:crypto';
import { invalid } from './api-error.ts';
import type { CacheControl, CountRequest, Message } from './request.ts';
import { isOfGeneration55 } from './rules.ts';

/** One step of the prefix that the cache works on: its text without marks, and the mark it bears. */
export type Segment = { text: string; mark: CacheControl | undefined };

/** Any fixed key: a signature stays good when the stand-in is started anew. */
const KEY = 'the stand-in signs what it thinks';

/**
 * What of a conversation the model is given: from the newest compaction block on, what came before is gone.
 */
export function effective(messages: Message[]): Message[] {
  for (let i = messages.length - 1; i >= 0; i--) {
    const message = messages[i];
    const at = message?.content.findLastIndex((block) => block.type === 'compaction') ?? -1;
    if (message && at !== -1)
      return [{ role: message.role, content: message.content.slice(at) }, ...messages.slice(i + 1)];
  }
  return messages;
}

/** The request as the steps of its prefix, in the order of the cache: tools, system, messages. */
export function segments(request: CountRequest): Segment[] {
  const system = typeof request.system === 'string' ? [{ type: 'text', text: request.system }] : (request.system ?? []);
  const parts: object[] = [
    ...(request.tools ?? []),
    ...system,
    ...effective(request.messages).flatMap(({ role, content }) => content.map((block) => ({ role, ...block }))),
  ];
  return parts.map((part) => ({
    text: bare(part),
    mark: 'cache_control' in part ? (part.cache_control as CacheControl | undefined) : undefined,
  }));
}

/** The signature of a thought: of its text, and, for the newest models, of all that went before it. */
export function sign(thinking: string, request: CountRequest, before: Message[]): string {
  const bound = isOfGeneration55(request.model) ? bare([request.model, request.system, request.tools, before]) : '';
  return createHmac('sha256', KEY).update(thinking).update('\0').update(bound).digest('base64');
}

/** Every thinking block must come back as it was, where it was. */
export function checkSignatures(request: CountRequest): void {
  const messages = effective(request.messages);
  for (const [i, message] of messages.entries())
    for (const [j, block] of message.content.entries())
      if (block.type === 'thinking' && block.signature !== sign(block.thinking, request, beforeBlock(messages, i, j)))
        throw invalid(
          `messages.${i}.content.${j}: Invalid \`signature\` in \`thinking\` block: it was changed, or is bound to a different conversation`,
        );
}

/** What the thought was bound to: the messages before its own, or nothing where its own message begins with a compaction. */
function beforeBlock(messages: Message[], i: number, j: number): Message[] {
  const compacted = messages[i]?.content.slice(0, j).some((block) => block.type === 'compaction') ?? false;
  return compacted ? [] : messages.slice(0, i);
}

/** About four characters to a token. */
export function tokensOf(text: string): number {
  return Math.ceil(text.length / 4);
}

export function hash(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}

/** JSON without cache marks: those may move without changing the conversation. */
function bare(value: unknown): string {
  return JSON.stringify(value, (key, part: unknown) => (key === 'cache_control' ? undefined : part)) ?? '';
}
