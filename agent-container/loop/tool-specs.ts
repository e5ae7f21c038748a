import type { ToolSpec } from '../model/message.ts';
import { TOOLS } from '../tools/all.ts';

/**
 * The tools of every request. They never change while a conversation lasts, because a change voids the whole cache. The
 * API takes a conversation that calls a tool which is not listed, such as one that the model made up.
 */
export const TOOL_SPECS: readonly ToolSpec[] = TOOLS.map(({ name, description, input_schema }) => ({
  name,
  description,
  input_schema,
}));
