import { once } from 'node:events';
import { connect as netConnect, type Socket, type TcpNetConnectOpts } from 'node:net';
import { addAbortSignal, type Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { newId } from '../../../protocol/ids.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { ErrandError } from '../../../protocol/problem.ts';
import { addressGuard, pinned, type AddressGuard, type Resolve } from '../../base/address-guard.ts';
import type { Logger } from '../../base/logger.ts';
import type { TunnelHandler } from '../caller.ts';
import { refuseTunnel } from '../reply.ts';
import { ConcurrencyLimit } from '../concurrency-limit.ts';
import { untilClosed } from '../abort-on-close.ts';
import type { EgressPolicy } from '../../domain/egress-policy.ts';
import { admit, type Destination } from './destination.ts';
import { expectHandshake, refuseHandshake } from './handshake.ts';

export type EgressDependencies = {
  /** What a task may reach, as its project says now. */
  policy: (task_id: string) => EgressPolicy;
  private_hosts: string[];
  logger: Logger;
  /** Tests set these; they have their defaults. */
  resolve?: Resolve;
  connect?: (options: TcpNetConnectOpts) => Socket;
  timeouts?: EgressTimeouts;
};

/** How long the other end may take to accept, the worker to begin its handshake, and both to say nothing. */
type EgressTimeouts = { connect_ms: number; hello_ms: number; idle_ms: number };
const TIMEOUTS: EgressTimeouts = { connect_ms: 10_000, hello_ms: 10_000, idle_ms: LIMITS.egress_idle_ms };

/** The forward proxy: opens tunnels to what the task's project allows, and cuts them when the attempt ends. */
export function egressProxy(dependencies: EgressDependencies): TunnelHandler {
  const { policy, private_hosts, logger, resolve, connect = netConnect, timeouts = TIMEOUTS } = dependencies;
  const guard = addressGuard(private_hosts, resolve);
  const slots = new ConcurrencyLimit(LIMITS.egress_tunnels_max);

  return async (request, client, head, caller) => {
    const authority = request.url ?? '';
    const request_id = newId();
    const log = logger.child({ request_id, task_id: caller.task_id, attempt: caller.attempt, authority });
    // An error that nobody listens for would end the process; that the socket closed is all that matters.
    client.on('error', (err) => log.debug({ err }, 'A worker broke off a tunnel.'));
    addAbortSignal(caller.signal, client);
    const release = slots.take(caller.task_id);
    try {
      if (!release) throw new ErrandError('rate_limited', 'This task has too many tunnels open.');
      const destination = admit(authority, policy(caller.task_id), private_hosts);
      const upstream = await reach(
        destination,
        guard,
        connect,
        within(untilClosed(client, caller.signal), timeouts.connect_ms),
      );
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      if (head.length > 0) client.unshift(head);
      await carry({ client, upstream, destination, timeouts, log });
    } catch (err) {
      log.warn({ err }, 'A tunnel was refused.');
      refuseTunnel(client, err, request_id);
    } finally {
      release?.();
    }
  };
}

/** Connects to the destination's addresses, once they were checked. */
async function reach(
  { host, port }: Destination,
  guard: AddressGuard,
  connect: (options: TcpNetConnectOpts) => Socket,
  signal: AbortSignal,
): Promise<Socket> {
  const addresses = await guard(host, port);
  const upstream = connect({ host, port, lookup: pinned(addresses), allowHalfOpen: true, noDelay: true });
  try {
    await once(upstream, 'connect', { signal });
    return upstream;
  } catch (cause) {
    upstream.destroy();
    throw new ErrandError('upstream_unreachable', `${host}:${port} could not be reached.`, { cause });
  }
}

type Tunnel = {
  client: Duplex;
  upstream: Socket;
  destination: Destination;
  timeouts: EgressTimeouts;
  log: Logger;
};

/** Carries a tunnel that was granted to its end. It does not reject: every end is an end. */
async function carry({ client, upstream, destination, timeouts, log }: Tunnel): Promise<void> {
  upstream.on('error', (err) => log.debug({ err }, 'The other end broke off a tunnel.'));
  try {
    if (destination.tls) await expectHandshake(client, destination.host, timeouts.hello_ms);
  } catch (err) {
    upstream.destroy();
    log.warn({ err }, 'A tunnel was refused.');
    return refuseHandshake(client);
  }
  await relay(client, upstream, timeouts.idle_ms).catch((err: unknown) => log.debug({ err }, 'A tunnel was cut.'));
  log.info({ bytes_up: upstream.bytesWritten, bytes_down: upstream.bytesRead }, 'A tunnel was closed.');
}

/** Passes bytes on in both directions until each has ended, either end breaks off, or nothing has moved for `idle_ms`. */
async function relay(client: Duplex, upstream: Socket, idle_ms: number): Promise<void> {
  const cut = (): void => void (client.destroy(), upstream.destroy());
  const idle = setTimeout(cut, idle_ms);
  for (const end of [client, upstream]) {
    // Each end is in two pipelines, and they listen for more than Node takes for a leak.
    end.setMaxListeners(30);
    end.on('data', () => idle.refresh());
  }
  try {
    await Promise.all([pipeline(client, upstream), pipeline(upstream, client)]);
  } finally {
    clearTimeout(idle);
    cut();
  }
}

function within(signal: AbortSignal, timeout_ms: number): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(timeout_ms)]);
}
