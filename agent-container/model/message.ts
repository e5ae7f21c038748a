import { z } from 'zod';

/**
 * A block of a message's content, exactly as the API sent it: the API refuses a conversation whose blocks were changed.
 */
export const ContentBlock = z.looseObject({ type: z.string() });
export type ContentBlock = z.infer<typeof ContentBlock>;

export type ModelMessage = { role: 'user' | 'assistant'; content: ContentBlock[] };

/** A tool as the API knows it. */
export type ToolSpec = { name: string; description: string; input_schema: Record<string, unknown> };
