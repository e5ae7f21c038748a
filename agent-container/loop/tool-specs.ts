import type { ToolSpec } from '../model/message.ts';
import type { Tool } from '../tools/tool.ts';

/**
 * The tools of every request. They never change while an attempt lasts, because a change voids the whole cache. The API
 * takes a conversation that calls a tool which is not listed, such as one that the model made up.
 */
export function specsOf(tools: readonly Tool[]): ToolSpec[] {
  return tools.map(({ name, description, input_schema }) => ({ name, description, input_schema }));
}
