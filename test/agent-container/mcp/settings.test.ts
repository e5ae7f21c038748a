import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { readServers } from '../../../agent-container/mcp/settings.ts';
import { temporaryFolder } from '../../support/folder.ts';

async function repository(t: ExecutionContext, file: unknown): Promise<string> {
  const dir = await temporaryFolder(t);
  await writeFile(join(dir, '.mcp.json'), typeof file === 'string' ? file : JSON.stringify(file));
  return dir;
}

test('reads programs and services, with the variables of the project in every text', async (t) => {
  const dir = await repository(t, {
    mcpServers: {
      linear: { type: 'http', url: 'https://${HOST:-mcp.linear.app}/mcp', headers: { authorization: 'Bearer ${KEY}' } },
      old: { type: 'sse', url: 'https://example.org/sse' },
      typeless: { url: 'http://localhost:3000/mcp' },
      db: { command: 'npx', args: ['-y', 'db-mcp', '${KEY}'], env: { DB: '${DB:-}' }, extra: 1 },
      off: { command: 'npx', disabled: true },
    },
  });
  t.deepEqual(await readServers([dir], { KEY: 'k' }), {
    servers: [
      {
        name: 'linear',
        dir,
        type: 'http',
        url: 'https://mcp.linear.app/mcp',
        headers: { authorization: 'Bearer k' },
      },
      { name: 'old', dir, type: 'sse', url: 'https://example.org/sse', headers: {} },
      { name: 'typeless', dir, type: 'http', url: 'http://localhost:3000/mcp', headers: {} },
      { name: 'db', dir, type: 'stdio', command: 'npx', args: ['-y', 'db-mcp', 'k'], env: { DB: '' } },
    ],
    faults: [],
  });
});

test('says what cannot be used, and keeps the rest', async (t) => {
  const dir = await repository(t, {
    mcpServers: {
      good: { command: 'good' },
      unset: { command: 'x', args: ['${MISSING}', '${ALSO}'] },
      nothing: {},
      text: { command: 'x', args: 'not a list' },
      ftp: { type: 'http', url: 'ftp://example.org' },
      ws: { type: 'ws', url: 'wss://example.org' },
    },
  });
  const { servers, faults } = await readServers([dir], {});
  t.deepEqual(
    servers.map(({ name }) => name),
    ['good'],
  );
  t.is(faults.length, 5);
  t.regex(faults[0] ?? '', /unset in \.mcp\.json cannot be used: it names MISSING, ALSO, which is no variable/);
  for (const [i, field] of ['command', 'args', 'url', 'type'].entries())
    t.regex(faults[i + 1] ?? '', new RegExp(`: ${field}: `));
});

test('a file that is no such JSON, or names too many servers, is told; where there is none nothing is', async (t) => {
  const none = await temporaryFolder(t);
  t.deepEqual(await readServers([none], {}), { servers: [], faults: [] });
  for (const file of ['{', '[]', 'null', '{"mcpServers":[]}', '{"mcpServers":{"a":1}}', '{"servers":{}}'])
    t.regex((await readServers([await repository(t, file)], {})).faults.join(), /has to be JSON/, file);
  const many = Object.fromEntries(Array.from({ length: 25 }, (_, i) => [`s${i}`, { command: 'x' }]));
  const read = await readServers([await repository(t, { mcpServers: many })], {});
  t.is(read.servers.length, 20);
  t.regex(read.faults.join(), /over 20/);
});

test('reads no file outside of the repository, and the first of two servers of a name', async (t) => {
  const outside = await repository(t, { mcpServers: { outside: { command: 'x' } } });
  const inside = join(outside, 'repo');
  await mkdir(inside);
  await symlink('../.mcp.json', join(inside, '.mcp.json'));
  t.deepEqual((await readServers([inside], {})).servers, []);
  const [a, b] = [
    await repository(t, { mcpServers: { same: { command: 'a' } } }),
    await repository(t, { mcpServers: { same: { command: 'b' }, other: { command: 'c' } } }),
  ];
  const { servers } = await readServers([a, b], {});
  t.deepEqual(
    servers.map(({ name, dir }) => [name, dir]),
    [
      ['same', a],
      ['other', b],
    ],
  );
});
