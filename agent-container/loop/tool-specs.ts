import type { ToolSpec } from '../model/message.ts';
import type { Tool } from '../tools/tool.ts';

/**
 * The tools of a request. The API refuses a conversation that calls a tool which is not listed, so a tool that the
 * model made up, or that an older version had, is listed too.
 */
export function toolSpecs(tools: readonly Tool[], called: Iterable<string>): ToolSpec[] {
  const specs = tools.map(({ name, description, input_schema }) => ({ name, description, input_schema }));
  const known = new Set(specs.map(({ name }) => name));
  const unknown = [...called].filter((name) => !known.has(name));
  const input_schema = { type: 'object' };
  return [
    ...specs,
    ...unknown.map((name) => ({ name, description: 'This tool does not exist: do not call it.', input_schema })),
  ];
}
