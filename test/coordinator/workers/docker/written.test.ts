import { once } from 'node:events';
import { createServer, Agent } from 'node:http';
import type { AddressInfo } from 'node:net';
import test from 'ava';
import { EngineClient } from '../../../../coordinator/workers/docker/client.ts';

/** What engines tell under cgroup v2, under v1, and of a container that has ended. */
const ENTRIES = {
  v2: [
    { major: 254, minor: 0, op: 'read', value: 4096 },
    { major: 254, minor: 0, op: 'write', value: 3_000_000 },
    { major: 8, minor: 0, op: 'write', value: 500 },
  ],
  v1: [
    { major: 254, minor: 0, op: 'Read', value: 1 },
    { major: 254, minor: 0, op: 'Write', value: 7 },
    { major: 254, minor: 0, op: 'Total', value: 8 },
  ],
  none: [],
  ended: null,
};
const WRITTEN = { v2: 3_000_500, v1: 7, none: 0, ended: 0 };

test("what a container has written is read from its group's counter, under either version", async (t) => {
  const paths: string[] = [];
  const server = createServer((request, response) => {
    paths.push(request.url ?? '');
    const name = /containers\/(\w+)\//.exec(request.url ?? '')?.[1] as keyof typeof ENTRIES;
    response.end(JSON.stringify({ blkio_stats: { io_service_bytes_recursive: ENTRIES[name] } }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close().closeAllConnections());
  const { port } = server.address() as AddressInfo;
  const client = new EngineClient({ host: '127.0.0.1', port }, new Agent(), 5_000);
  for (const [name, written] of Object.entries(WRITTEN)) t.is(await client.readWritten(name), written);
  t.is(paths[0], '/containers/v2/stats?stream=false&one-shot=true');
});
