import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { createMcpHandler } from '@modelcontextprotocol/server';
import type { Ends } from '../folder.ts';
import { makeServer } from './make-server.ts';

/** The same server over HTTP. */
export async function serveMcp(t: Ends): Promise<{ url: string; headers: IncomingHttpHeaders[] }> {
  const handler = createMcpHandler(makeServer);
  const headers: IncomingHttpHeaders[] = [];
  const answer = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    headers.push(incoming.headers);
    const { method = 'GET', url = '/' } = incoming;
    const body = method === 'POST' ? await buffer(incoming) : null;
    const request = new Request(`http://127.0.0.1${url}`, { method, headers: withoutLists(incoming.headers), body });
    const response = await handler.fetch(request);
    outgoing.writeHead(response.status, Object.fromEntries(response.headers));
    outgoing.end(Buffer.from(await response.arrayBuffer()));
  };
  const server = createServer((incoming, outgoing) => {
    answer(incoming, outgoing).catch(() => outgoing.destroy());
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.teardown(async () => {
    await handler.close();
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`, headers };
}

function withoutLists(headers: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
  );
}
