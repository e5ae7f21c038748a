import { createHash, createHmac } from 'node:crypto';
import { invalid } from './api-error.ts';
import type { CacheControl, CountRequest, Message } from './request.ts';
import { isOfGeneration55 } from './rules.ts';

/** One part of the prefix for the cache: its text without cache marks, and its mark. */
export type Segment = { text: string; mark: CacheControl | undefined };

/** A fixed key, so that signatures stay valid when the server restarts. */
const KEY = 'the signature key of the model server';

/** The messages that the model sees: from the newest compaction block on. */
export function effective(messages: Message[]): Message[] {
  for (let i = messages.length - 1; i >= 0; i--) {
    const message = messages[i];
    const at = message?.content.findLastIndex((block) => block.type === 'compaction') ?? -1;
    if (message && at !== -1)
      return [{ role: message.role, content: message.content.slice(at) }, ...messages.slice(i + 1)];
  }
  return messages;
}

/** The parts of a request's prefix in the order of the cache: tools, system, messages. */
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

/** Signs a thinking block: its text and, for the newest models, the whole conversation before it. */
export function sign(thinking: string, request: CountRequest, before: Message[]): string {
  const bound = isOfGeneration55(request.model) ? bare([request.model, request.system, request.tools, before]) : '';
  return createHmac('sha256', KEY).update(thinking).update('\0').update(bound).digest('base64');
}

/** Checks that every thinking block is unchanged and in its place. */
export function checkSignatures(request: CountRequest): void {
  const messages = effective(request.messages);
  for (const [i, message] of messages.entries())
    for (const [j, block] of message.content.entries())
      if (block.type === 'thinking' && block.signature !== sign(block.thinking, request, beforeBlock(messages, i, j)))
        throw invalid(
          `messages.${i}.content.${j}: Invalid \`signature\` in \`thinking\` block: it was changed, or is bound to a different conversation`,
        );
}

/** The messages that a thinking block is bound to: those before its own, or none if a compaction precedes it. */
function beforeBlock(messages: Message[], i: number, j: number): Message[] {
  const compacted = messages[i]?.content.slice(0, j).some((block) => block.type === 'compaction') ?? false;
  return compacted ? [] : messages.slice(0, i);
}

/** Estimates four characters per token. */
export function tokensOf(text: string): number {
  return Math.ceil(text.length / 4);
}

export function hash(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}

/** JSON without cache marks, which may move without changing the conversation. */
function bare(value: unknown): string {
  return JSON.stringify(value, (key, part: unknown) => (key === 'cache_control' ? undefined : part)) ?? '';
}
