import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { DONE, textOf } from '../../support/agent-script.ts';
import { bench, transcriptOf, type Bench } from '../../support/agent-work.ts';
import { serveMcp } from '../../support/mcp/serve.ts';
import { isAlive } from '../../support/processes.ts';
import { until } from '../../support/until.ts';

const PROGRAM = fileURLToPath(new URL('../../support/mcp/main.ts', import.meta.url));
const own = (more: object = {}) => ({ command: process.execPath, args: [PROGRAM], ...more });

async function withServers(b: Bench, mcpServers: object): Promise<void> {
  await writeFile(join(b.repo_dir, '.mcp.json'), JSON.stringify({ mcpServers }));
}

const call = (name: string, input: Record<string, unknown> = {}) => ({ name: `mcp__own__${name}`, input });
const results = (b: Bench) =>
  b.of('tool.finished').map(({ content, is_error }) => [JSON.stringify(content), is_error] as const);

test('the model has the tools of an MCP server beside its own, with what the server says about them', async (t) => {
  const b = await bench(t, { script: [{ tools: [call('add', { a: 1, b: 2 }), call('fail')] }, DONE] });
  await withServers(b, { own: own() });
  t.is((await b.run()).status, 'succeeded');
  const [first, second] = b.model.requests.map(({ body }) => body);
  const names = first?.tools?.map(({ name }) => name) ?? [];
  t.true(names.includes('read_file') && names.includes('mcp__own__add') && names.includes('mcp__own__die'));
  t.deepEqual(second?.tools, first?.tools);
  t.regex(textOf(first), /<server name=\\"own\\">\\nAdd with add\./);
  t.deepEqual(results(b), [
    ['[{"type":"text","text":"1 + 2 = 3"}]', false],
    ['[{"type":"text","text":"It is out of order."}]', true],
  ]);
  t.regex(b.of('log')[0]?.text ?? '', /own \(7\)/);
  t.true(b.waits.some((wait) => wait?.kind === 'command' && wait.command === 'own: add'));
});

test('pictures, resources and sounds come as the API takes them, and what is no picture as words', async (t) => {
  const b = await bench(t, { script: [{ tools: [call('look')] }, DONE] });
  await withServers(b, { own: own() });
  await b.run();
  const [found] = b.of('tool.finished');
  t.deepEqual(
    found?.content.map(({ type }) => type),
    ['text', 'text', 'image', 'text'],
  );
  const words = JSON.stringify(found?.content);
  t.regex(words, /Two pictures.*file:\/\/\/a.*What b says.*audio\/wav/);
  t.regex(words, /Image 2 cannot be shown/);
});

test('of many pictures of a result the first are shown', async (t) => {
  const b = await bench(t, { script: [{ tools: [call('look-long')] }, DONE] });
  await withServers(b, { own: own() });
  await b.run();
  const [found] = b.of('tool.finished');
  t.is(found?.content.filter(({ type }) => type === 'image').length, 20);
  t.is(JSON.stringify(found?.content).split('an image that is left out').length, 6);
});

test('the name of a server that is too long is shortened, and any name is made one that the API takes', async (t) => {
  const b = await bench(t, { script: [DONE] });
  await withServers(b, { ['a long name '.repeat(8)]: own() });
  await b.run();
  const names = b.model.requests[0]?.body?.tools?.flatMap(({ name }) => name ?? []) ?? [];
  const theirs = names.filter((name) => name.startsWith('mcp__a_long_name_'));
  t.is(theirs.length, 7);
  t.true(theirs.every((name) => name.length === 64));
  t.true(theirs.some((name) => name.endsWith('__add')));
});

test('a server gets the variables of the commands and its own, and starts in the repository', async (t) => {
  const tools = [call('env', { name: 'MODE' }), call('env', { name: 'FROM_SETUP' })];
  const b = await bench(t, { script: [{ tools }, DONE] });
  await withServers(b, { own: own({ env: { MODE: '${LEVEL}-x' } }) });
  await b.run({ env: { LEVEL: 'high' }, setup_command: 'export FROM_SETUP=yes' });
  const [mode, from_setup] = results(b);
  t.true(mode?.[0].includes(`MODE=high-x in ${b.repo_dir}`));
  t.true(from_setup?.[0].includes(`FROM_SETUP=yes in ${b.repo_dir}`));
});

test('a server that ends in a call is told with its last words, without secrets, and started again by the next', async (t) => {
  const b = await bench(t, { script: [{ tools: [call('die')] }, { tools: [call('add', { a: 2, b: 2 })] }, DONE] });
  await withServers(b, { own: own() });
  const token = 'tok-5b1f0d2c9e7a';
  t.is((await b.run({ env: { TOKEN: token } })).status, 'succeeded');
  const [died, added] = results(b);
  t.regex(died?.[0] ?? '', /could not run die.*I die with \[secret TOKEN\]/);
  t.true(died?.[1]);
  t.regex(added?.[0] ?? '', /2 \+ 2 = 4/);
  t.false(JSON.stringify(b.events).includes(token));
});

test('servers that cannot be used cost only themselves: the person and the model are told', async (t) => {
  const b = await bench(t, { script: [{ tools: [call('add', { a: 1, b: 1 })] }, DONE] });
  await withServers(b, {
    own: own(),
    missing: { command: 'no-such-program' },
    wrong: { command: 'sh', args: ['-c', 'echo It lacks a key >&2; exit 3'] },
    unset: { command: 'x', args: ['${NOT_SET}'] },
    away: { type: 'http', url: 'http://127.0.0.1:9/mcp' },
  });
  t.is((await b.run()).status, 'succeeded');
  t.regex(results(b)[0]?.[0] ?? '', /1 \+ 1 = 2/);
  const warned = b.of('log').flatMap(({ level, text }) => (level === 'warn' ? [text] : []));
  t.is(warned.length, 4);
  for (const name of ['missing', 'unset', 'away']) t.true(warned.some((text) => text.includes(name)));
  t.true(warned.some((text) => /wrong could not be started.*\nIt wrote:\nIt lacks a key/.test(text)));
  t.regex(textOf(b.model.requests[0]?.body), /It lacks a key/);
});

test('a service is reached over HTTP with its headers, and elsewhere through the proxy of the commands', async (t) => {
  const service = await serveMcp(t);
  const proxy = createServer();
  const asked: string[] = [];
  proxy.on('connect', ({ url = '' }: IncomingMessage, socket: Duplex) => {
    asked.push(url);
    socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
  });
  await once(proxy.listen(0, '127.0.0.1'), 'listening');
  t.teardown(() => proxy.close());
  const HTTPS_PROXY = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const b = await bench(t, { script: [{ tools: [call('add', { a: 3, b: 4 })] }, DONE] });
  await withServers(b, {
    own: { type: 'http', url: service.url, headers: { authorization: 'Bearer ${KEY}' } },
    away: { type: 'http', url: 'https://mcp.example.org/mcp' },
  });
  await b.run({ env: { KEY: 'tok-5b1f0d2c9e7a', HTTPS_PROXY, NO_PROXY: '127.0.0.1' } });
  t.true(results(b)[0]?.[0].includes('3 + 4 = 7'));
  t.true(service.headers.every(({ authorization }) => authorization === 'Bearer tok-5b1f0d2c9e7a'));
  t.true(asked.length > 0 && asked.every((url) => url === 'mcp.example.org:443'));
  t.true(b.of('log').some(({ level, text }) => level === 'warn' && text.includes('away could not be started')));
});

test('a long refusal of a server is cut, and a secret in the description of a tool is masked', async (t) => {
  const refuse = `process.stdin.once('data', () => console.log(JSON.stringify({ jsonrpc: '2.0', id: 0, error: { code: 1, message: 'x'.repeat(1e6) } })))`;
  const b = await bench(t, { script: [DONE] });
  await withServers(b, { rude: { command: process.execPath, args: ['-e', refuse] }, own: own() });
  const token = 'tok-5b1f0d2c9e7a';
  t.is((await b.run({ env: { TOKEN: token } })).status, 'succeeded');
  const [warned] = b.of('log').flatMap(({ level, text }) => (level === 'warn' ? [text] : []));
  t.regex(warned ?? '', /^The MCP server rude could not be started: x/);
  t.true((warned ?? '').length <= 4_000);
  t.true(JSON.stringify(b.model.requests[0]?.body?.tools).includes('Ends with [secret TOKEN].'));
});

test('a stop ends a call at once, and with the work the servers and what they started', async (t) => {
  const b = await bench(t, { script: [{ tools: [call('wait')] }, DONE] });
  const file = join(b.repo_dir, 'pids');
  await withServers(b, { own: own({ args: [PROGRAM, file] }) });
  const running = b.run();
  await b.event('tool.started');
  const pids = (await readFile(file, 'utf8')).split(' ').map(Number);
  t.deepEqual(pids.map(isAlive), [true, true]);
  b.abort.abort(new Error('stop'));
  t.is((await running).status, 'cancelled');
  await until('the server and its child have ended', () => !pids.some(isAlive));
});

test('a stop while a server does not answer ends both at once', async (t) => {
  const b = await bench(t, { script: [DONE] });
  await withServers(b, { mute: { command: 'sleep', args: ['1000'] } });
  const running = b.run();
  await until('the server is waited for', () =>
    b.waits.some((wait) => wait?.kind === 'command' && wait.command === 'MCP: mute'),
  );
  b.abort.abort(new Error('stop'));
  t.is((await running).status, 'cancelled');
  t.is(b.model.requests.length, 0);
});

test('of too many tools those that a request has room for are there, and the rest is told', async (t) => {
  const b = await bench(t, { script: [DONE] });
  await withServers(b, { own: own({ env: { MORE_TOOLS: '150' } }) });
  t.is((await b.run()).status, 'succeeded');
  const tools = b.model.requests[0]?.body?.tools ?? [];
  t.is(tools.filter(({ name }) => name?.startsWith('mcp__own__')).length, 100);
  t.true(b.of('log').some(({ level, text }) => level === 'warn' && text.startsWith('57 tools of MCP servers')));
});

test('the next attempt starts the servers again, and is told what cannot be used now', async (t) => {
  const b = await bench(t, { script: [{ tools: [call('add', { a: 1, b: 2 })] }, DONE, DONE] });
  await withServers(b, { own: own() });
  t.is((await b.run()).status, 'succeeded');
  const lost_at = b.events.findIndex(({ type }) => type === 'tool.finished') + 1;
  const transcript = transcriptOf(b.events.slice(0, lost_at));
  await withServers(b, { own: own(), other: own({ env: { X: '${GONE}' } }) });
  t.is((await b.run({ transcript, attempt: 2 })).status, 'succeeded');
  const { body } = b.model.requests.at(-1) ?? {};
  t.true(body?.tools?.some(({ name }) => name === 'mcp__own__add'));
  t.regex(textOf(body), /other in \.mcp\.json cannot be used: it names GONE/);
});
