import type { CallToolResult, Tool as ListedTool } from '@modelcontextprotocol/client';
import { z } from 'zod';
import { whileCommand } from '../base/progress.ts';
import type { ContentBlock } from '../model/message.ts';
import { imageBlocks } from '../tools/image.ts';
import { resultOf, ToolError, type Tool, type ToolContext, type ToolResult } from '../tools/tool.ts';
import { takesSchema } from './schema.ts';
import { CALL_TOTAL_MS, type McpServer } from './server.ts';

/** As the contract bounds the name of a tool. The API takes these characters alone. */
const NAME_CHARS_MAX = 64;
const OTHER_CHARS = /[^a-zA-Z0-9_-]/g;
const DESCRIPTION_CHARS_MAX = 4_000;
const SCHEMA_CHARS_MAX = 20_000;
/** Of a result. Each is decoded. */
const IMAGES_MAX = 20;

const Input = z.record(z.string(), z.unknown());

/** The tool as the model gets it. The server checks the input. */
export async function toolOf(server: McpServer, listed: ListedTool): Promise<Tool> {
  const { name, description = '', annotations } = listed;
  const { $schema: _, ...schema } = listed.inputSchema;
  const text = JSON.stringify(schema).slice(0, SCHEMA_CHARS_MAX);
  const is_taken = text.length < SCHEMA_CHARS_MAX && (await takesSchema(schema));
  const words = description.slice(0, DESCRIPTION_CHARS_MAX);
  return {
    name: nameOf(server.name, name),
    description: (is_taken ? words : `${words}\n\nThe JSON schema of its input: ${text}`).toWellFormed(),
    input_schema: is_taken ? schema : { type: 'object' },
    reads_only: annotations?.readOnlyHint === true,
    run: (input, context) => resultOf(() => call(server, name, input, context), context),
  };
}

/** `mcp__<server>__<tool>`, as other agents name it. A long server is shortened before its tool is. */
function nameOf(server: string, tool: string): string {
  const room = Math.max(1, NAME_CHARS_MAX - 'mcp____'.length - tool.length);
  return `mcp__${server.slice(0, room)}__${tool}`.replace(OTHER_CHARS, '_').slice(0, NAME_CHARS_MAX);
}

async function call(server: McpServer, name: string, raw: unknown, context: ToolContext): Promise<ToolResult> {
  const { report, signal } = context;
  const input = Input.safeParse(raw).data;
  if (input === undefined) throw new ToolError('The input is not valid: it has to be an object.');
  const result = await whileCommand(report, `${server.name}: ${name}`, CALL_TOTAL_MS, () =>
    server.call({ name, input, onProgress: () => report.activity(), signal }),
  );
  return { content: await contentOf(result), is_error: result.isError === true };
}

/** The content as the API takes it: texts, then the images that fit. */
async function contentOf({ content, structuredContent }: CallToolResult): Promise<ContentBlock[]> {
  const images: { label: string; bytes: Buffer }[] = [];
  const texts: string[] = [];
  for (const block of content) {
    if (block.type !== 'image') texts.push(textOf(block));
    else if (images.length === IMAGES_MAX) texts.push('[an image that is left out: there are too many]');
    else images.push({ label: `Image ${images.length + 1}`, bytes: Buffer.from(block.data, 'base64') });
  }
  if (content.length === 0 && structuredContent !== undefined) texts.push(JSON.stringify(structuredContent));
  const shown = await imageBlocks(images);
  return texts.length === 0 && shown.length > 0 ? shown : [{ type: 'text', text: texts.join('\n') }, ...shown];
}

function textOf(block: Exclude<CallToolResult['content'][number], { type: 'image' }>): string {
  switch (block.type) {
    case 'text':
      return block.text;
    case 'audio':
      return `[a sound of the type ${block.mimeType}, which cannot be played here]`;
    case 'resource_link':
      return `[a resource: ${block.uri}]`;
    case 'resource':
      return 'text' in block.resource
        ? `[${block.resource.uri}]\n${block.resource.text}`
        : `[a resource that is no text: ${block.resource.uri}]`;
  }
}
