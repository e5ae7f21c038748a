/*
 * The scripted worker with one fault: `relay.ts MUTANT`. The worker runs in this process. Before both of its sockets
 * are relays, which change or answer calls as the mutant says. One of them may listen at a port.
 */
import { once } from 'node:events';
import { chmodSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { createServer, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { SCRIPTED_WORKER } from '../scripted.ts';
import type { Call, Forward, Handler, Reply } from './mutant.ts';
import { MUTANTS } from './mutants.ts';

const mutant = MUTANTS.find(({ name }) => name === process.argv[2]);
if (mutant === undefined) throw new Error(`There is no mutant '${process.argv[2]}'.`);
const { to_worker = pass, to_coordinator = pass, prepare } = mutant;
prepare?.();

const dir = await mkdtemp(join(tmpdir(), 'errand-mutant-'));
const outer = { coordinator: pathOf('ERRAND_COORDINATOR'), worker: pathOf('ERRAND_LISTEN') };
const inner = { coordinator: join(dir, 'coordinator.sock'), worker: join(dir, 'worker.sock') };
await relay(inner.coordinator, outer.coordinator ?? '', to_coordinator);
process.env.ERRAND_COORDINATOR = `unix:${inner.coordinator}`;
if (outer.worker !== undefined) {
  await relay(outer.worker, inner.worker, to_worker);
  process.env.ERRAND_LISTEN = `unix:${inner.worker}`;
}
await import(SCRIPTED_WORKER);

function pathOf(name: string): string | undefined {
  return process.env[name]?.replace(/^unix:/, '') || undefined;
}

function pass(call: Call, forward: Forward): Promise<Reply> {
  return forward(call);
}

/** Listens at a socket or port, and hands each call to `handle`, which may forward it to the other socket. */
async function relay(from: string, to: string, handle: Handler): Promise<void> {
  const agent = new Agent({ connect: { socketPath: to } });
  const forward: Forward = async ({ method, path, headers, body }) => {
    const reply = await request(`http://relay${path}`, { method, headers, body, dispatcher: agent });
    return { status: reply.statusCode, headers: reply.headers, body: Buffer.from(await reply.body.arrayBuffer()) };
  };
  const server = createServer((incoming, response) => {
    void readCall(incoming)
      .then((call) => handle(call, forward))
      .then(({ status, headers, body }) => response.writeHead(status, withoutLength(headers)).end(body))
      // The other side is not there, or cut the connection.
      .catch(() => response.destroy());
  });
  const [, host, port] = /^([^/]+):(\d+)$/.exec(from) ?? [];
  if (port !== undefined) return void (await once(server.listen(Number(port), host), 'listening'));
  // A killed process left its socket.
  rmSync(from, { force: true });
  await once(server.listen(from), 'listening');
  chmodSync(from, 0o666);
}

async function readCall(incoming: IncomingMessage): Promise<Call> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
  const { method = 'GET', url: path = '/', headers } = incoming;
  return {
    method: method === 'POST' ? 'POST' : 'GET',
    path,
    headers: withoutLength(headers),
    body: method === 'POST' ? Buffer.concat(chunks) : null,
  };
}

/** The length, and how the body was sent, are set anew. */
function withoutLength<H extends OutgoingHttpHeaders>(headers: H): H {
  const hop = ['content-length', 'transfer-encoding', 'connection', 'expect', 'keep-alive'];
  // The same object without some of its optional keys.
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !hop.includes(name))) as H;
}
