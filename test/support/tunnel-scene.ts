import { once } from 'node:events';
import {
  connect as netConnect,
  createServer as createTcpServer,
  type Socket,
  type AddressInfo,
  type Server,
} from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import type { ExecutionContext } from 'ava';
import type { EgressPolicy } from '../../coordinator/domain/egress-policy.ts';
import { EgressProxy, type EgressDependencies } from '../../coordinator/worker-api/egress/egress-proxy.ts';
import { createLogger } from '../../coordinator/base/logger.ts';
import { newId } from '../../protocol/ids.ts';
import { makeCertificate, type Certificate } from './certificate.ts';
import { temporaryFolder } from './folder.ts';
import { serveTunnel, type TunnelServer } from './tunnel-server.ts';

export const HOST = 'registry.npmjs.org';

/** A public address; the test connects to the local target instead. */
export const PUBLIC = '93.184.215.14';
export const TIMEOUTS = { connect_ms: 30_000, hello_ms: 30_000, idle_ms: 30_000 };

/** A server that counts its connections and received bytes. */
export type Target = { port: number; connections: () => number; received: () => number };

export async function serve(t: ExecutionContext, server: Server): Promise<Target> {
  const sockets = new Set<Socket>();
  let closed_bytes = 0;
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => {
      sockets.delete(socket);
      closed_bytes += socket.bytesRead;
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => sockets.size,
    received: () => [...sockets].reduce((sum, socket) => sum + socket.bytesRead, closed_bytes),
  };
}

/** Sends `hello`, then echoes; each direction may close by itself. */
function echo(socket: Socket | TLSSocket): void {
  socket.on('error', () => {});
  socket.write('hello ');
  socket.pipe(socket);
}

/** An egress proxy for which every name resolves to one public address, which leads to the target. */
export async function setUp(
  t: ExecutionContext,
  target: Target,
  policy: EgressPolicy,
  change: Partial<EgressDependencies> = {},
): Promise<TunnelServer> {
  const proxy = new EgressProxy({
    noteUse: () => undefined,
    askForHost: () => undefined,
    policy: () => policy,
    private_hosts: [],
    logger: createLogger('silent'),
    resolve: async () => [{ address: PUBLIC, family: 4 }],
    connect: ({ host: _host, lookup: _lookup, port: _port, ...rest }) =>
      netConnect({ ...rest, host: '127.0.0.1', port: target.port }),
    timeouts: TIMEOUTS,
    ...change,
  });
  return serveTunnel(t, proxy, newId());
}

export async function tlsTarget(t: ExecutionContext): Promise<{ target: Target; certificate: Certificate }> {
  const certificate = await makeCertificate(await temporaryFolder(t), [HOST]);
  const server = createTlsServer(certificate, echo);
  server.on('tlsClientError', () => {});
  return { target: await serve(t, server), certificate };
}

export const plainTarget = (t: ExecutionContext) => serve(t, createTcpServer({ allowHalfOpen: true }, echo));

export async function granted(proxy: TunnelServer, authority: string): Promise<Socket> {
  const connected = await proxy.connect(authority);
  if (connected.socket === undefined) throw new Error(connected.text);
  connected.socket.on('error', () => {});
  return connected.socket;
}
