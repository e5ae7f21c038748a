import type { ContentBlock, ModelMessage } from './message.ts';

const LEFT_OUT = '[An answer that the API did not accept is left out here.]';

/**
 * Which answer to leave out, by its place, after the API refused a message: the answer that it names, or whose results
 * it names; else the newest one that is not left out yet. Null: there is none.
 */
export function refusedAnswer(messages: ModelMessage[], named: number | null, left_out: Set<number>): number | null {
  const isCandidate = (index: number) => messages[index]?.role === 'assistant' && !left_out.has(index);
  if (named !== null) return [named, named - 1].find(isCandidate) ?? null;
  const newest = messages.findLastIndex((_, index) => isCandidate(index));
  return newest === -1 ? null : newest;
}

/** The conversation without the answer at `index`. The results of its calls become text, which needs no call. */
export function leaveOutAnswer(messages: ModelMessage[], index: number): ModelMessage[] {
  return messages.map(({ role, content }, i) => {
    if (i === index) return { role, content: [{ type: 'text', text: LEFT_OUT }] };
    return i === index + 1 ? { role, content: content.flatMap(withoutCall) } : { role, content };
  });
}

function withoutCall(block: ContentBlock): ContentBlock[] {
  if (block.type !== 'tool_result') return [block];
  const { content } = block;
  return [
    { type: 'text', text: 'The result of a call in it:' },
    ...(Array.isArray(content) ? (content as ContentBlock[]) : []),
  ];
}
