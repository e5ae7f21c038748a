import { McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';

/** A picture of one pixel. */
const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==';

const text = (words: string) => ({ content: [{ type: 'text' as const, text: words }] });

/** An MCP server as others write them, with a tool for each thing that a test needs. */
export function makeServer(): McpServer {
  const server = new McpServer({ name: 'test', version: '1' }, { instructions: 'Add with add.' });
  const numbers = z.object({ a: z.number(), b: z.number() });
  const adds = { description: 'Adds two numbers.', inputSchema: numbers, annotations: { readOnlyHint: true } };
  server.registerTool('add', adds, async ({ a, b }) => text(`${a} + ${b} = ${a + b}`));
  server.registerTool('env', { inputSchema: z.object({ name: z.string() }) }, async ({ name }) =>
    text(`${name}=${process.env[name] ?? ''} in ${process.cwd()}`),
  );
  server.registerTool('look', {}, async () => ({
    content: [
      { type: 'image', mimeType: 'image/png', data: PIXEL },
      { type: 'image', mimeType: 'image/png', data: 'bm8gcGljdHVyZQ==' },
      { type: 'text', text: 'Two pictures.' },
      { type: 'resource_link', uri: 'file:///a', name: 'a' },
      { type: 'resource', resource: { uri: 'file:///b', text: 'What b says.' } },
      { type: 'audio', mimeType: 'audio/wav', data: 'AAAA' },
    ],
  }));
  server.registerTool('look-long', {}, async () => ({
    content: Array.from({ length: 25 }, () => ({ type: 'image' as const, mimeType: 'image/png', data: PIXEL })),
  }));
  server.registerTool('fail', {}, async () => ({ ...text('It is out of order.'), isError: true }));
  server.registerTool('wait', {}, () => new Promise<never>(() => {}));
  for (let i = 0; i < Number(process.env['MORE_TOOLS'] ?? 0); i++)
    server.registerTool(`more-${i}`, {}, async () => text('More.'));
  const ends = { description: `Ends with ${process.env['TOKEN'] ?? 'nothing'}.` };
  server.registerTool('die', ends, async () => {
    process.stderr.write(`I die with ${process.env['TOKEN'] ?? 'nothing'}\n`);
    process.exit(3);
  });
  return server;
}
