import test, { type ExecutionContext } from 'ava';
import { dockerTest } from '../support/docker.ts';
import { ended, eventsOf, startErrand } from '../support/errand.ts';
import { byConversation } from './scenario.ts';

/** An MCP server without a package, as a repository may have one. */
const SERVER = `
import { createInterface } from 'node:readline';
const tools = [{ name: 'where', description: 'Says where it runs.', inputSchema: { type: 'object' } }];
const answers = {
  initialize: ({ protocolVersion }) => ({ protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 's', version: '1' } }),
  'tools/list': () => ({ tools }),
  'tools/call': () => ({ content: [{ type: 'text', text: process.cwd() + ' ' + process.env.STAGE }] }),
};
for await (const line of createInterface(process.stdin)) {
  const { id, method, params } = JSON.parse(line);
  if (id !== undefined) console.log(JSON.stringify({ jsonrpc: '2.0', id, result: answers[method](params) }));
}
`;
const FILES = {
  'server.mjs': SERVER,
  '.mcp.json': JSON.stringify({
    mcpServers: { own: { command: 'node', args: ['server.mjs'], env: { STAGE: '${STAGE:-none}' } } },
  }),
};

for (const [runner, run] of [
  ['process', test],
  ['docker', dockerTest],
] as const)
  run(`${runner}: the agent calls the MCP server that the repository brings`, async (t: ExecutionContext) => {
    t.timeout(300_000);
    const model = byConversation([
      { tools: [{ name: 'mcp__own__where', input: {} }] },
      { text: 'Look around\n\nNothing had to change.' },
    ]);
    const whole = await startErrand(t, { runner, model });
    const ann = await whole.person('ann');
    const project_id = await whole.project(ann, 'tools', FILES);
    const { id } = await ann.api.call('createTask', { body: { prompt: 'Look around', project_id } });
    t.is((await ended(ann, id)).status, 'succeeded');
    const results = (await eventsOf(ann, id)).flatMap(({ type, body }) => (type === 'tool.finished' ? [body] : []));
    t.regex(JSON.stringify(results), /\/repo none"/);
  });
