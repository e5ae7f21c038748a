import { createHmac, hash as digestText } from 'node:crypto';
import { invalid } from './api-error.ts';
import type { CacheControl, CountRequest, Message, RequestBlock } from './request.ts';
import { isOfGeneration55 } from './rules.ts';

/** One part of the prefix for the cache: its text without cache marks, and its mark. */
export type Segment = { text: string; mark: CacheControl | undefined };

/** A fixed key, so that signatures stay valid when the server restarts. */
const KEY = 'the signature key of the model server';

/** The messages that the model sees: from the newest compaction block on. */
function effective(messages: Message[]): Message[] {
  for (let i = messages.length - 1; i >= 0; i--) {
    const message = messages[i];
    const at = message?.content.findLastIndex((block) => block.type === 'compaction' && block.content !== null) ?? -1;
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

/** Signs a thinking block, for a conversation that has this digest before it. */
export function sign(thinking: string, digest: string): string {
  return `${hmac(`thinking\0${thinking}`)}.${digest}`;
}

/** Signs a summary of a conversation that has this digest. What follows the summary is bound to that conversation. */
export function signSummary(summary: string, digest: string): string {
  return `${hmac(`summary\0${summary}\0${digest}`)}.${digest}`;
}

/** The digest of a whole conversation, as the next answer is bound to it. Empty for models that bind nothing. */
export function digestOf(request: CountRequest): string {
  return walk(request, () => undefined);
}

/**
 * Checks that every thinking block is unchanged and in its place, and every signed summary unchanged. With `drop_block`
 * a thinking block that is out of its place is let through, as the API leaves it out.
 */
export function checkSignatures(request: CountRequest): void {
  const { thinking } = request;
  const drops = thinking && 'block_binding' in thinking && thinking.block_binding?.prefix_mismatch_behavior;
  walk(request, (block, where, digest) => {
    if (block.type === 'compaction' && typeof block.signature === 'string') {
      if (block.signature !== signSummary(block.content ?? '', block.signature.split('.')[1] ?? ''))
        throw invalid(`${where}: Invalid \`signature\` in \`compaction\` block`);
      return;
    }
    if (block.type !== 'thinking') return;
    const [own, before] = block.signature.split('.');
    if (own !== sign(block.thinking, '').split('.')[0])
      throw invalid(`${where}: Invalid \`signature\` in \`thinking\` block. The block was changed.`);
    if (before !== digest && drops !== 'drop_block')
      throw invalid(
        `${where}: Invalid \`signature\` in \`thinking\` block. The block is bound to a different conversation. Remove the ` +
          'block, or set `thinking.block_binding.prefix_mismatch_behavior` to "drop_block".',
      );
  });
}

type OnBlock = (block: RequestBlock, where: string, digest: string) => void;

/** Calls `onBlock` with each block and the digest that its thinking is bound to. Returns the digest at the end. */
function walk(request: CountRequest, onBlock: OnBlock): string {
  const binds = isOfGeneration55(request.model);
  const start = binds ? hash(bare([request.model, request.system, request.tools])) : '';
  const skipped = request.messages.length - effective(request.messages).length;
  let digest = start;
  for (const [i, message] of effective(request.messages).entries()) {
    const summary = message.content.find((block) => block.type === 'compaction');
    const continued = summary?.type === 'compaction' ? summary.signature?.split('.')[1] : undefined;
    for (const [j, block] of message.content.entries())
      onBlock(block, `messages.${i + skipped}.content.${j}`, summary ? start : digest);
    if (continued !== undefined) digest = continued;
    else if (binds) digest = hash(`${digest}\n${bare(message)}`);
  }
  return digest;
}

const hmac = (text: string): string => createHmac('sha256', KEY).update(text).digest('base64url');

/** An image counts by its pixels: it has few tokens for its bytes. */
const IMAGE_TOKENS = 1_500;
const IMAGE_DATA = /(?<="data":")[\w+/=]{10000,}/g;

/** Estimates four characters per token, in texts and in JSON. */
export function tokensOf(text: string): number {
  return Math.ceil(text.replace(IMAGE_DATA, 'x'.repeat(4 * IMAGE_TOKENS)).length / 4);
}

export function hash(text: string): string {
  return digestText('sha256', text, 'base64');
}

/** JSON without cache marks, which may move without changing the conversation. */
function bare(value: unknown): string {
  const text = JSON.stringify(value) ?? '';
  // A replacer takes several times as long, and few parts have a mark.
  if (!text.includes('"cache_control"')) return text;
  return JSON.stringify(value, (key, part: unknown) => (key === 'cache_control' ? undefined : part)) ?? '';
}
