import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Logger } from '../../base/logger.ts';
import type { Destination } from './destination.ts';
import { expectHandshake, refuseHandshake } from './handshake.ts';

/** An established tunnel: `client` is the worker's end, `upstream` the destination's. */
export type Tunnel = {
  client: Duplex;
  upstream: Socket;
  destination: Destination;
  timeouts: { hello_ms: number; idle_ms: number };
  /** Called with the reason if its handshake is refused. */
  onRefused: (err: unknown) => void;
  log: Logger;
};

/** Runs a tunnel until it is closed. Never rejects. */
export async function runTunnel({ client, upstream, destination, timeouts, onRefused, log }: Tunnel): Promise<void> {
  upstream.on('error', (err) => log.debug({ err }, 'destination closed a tunnel with an error'));
  try {
    if (destination.tls) await expectHandshake(client, destination.host, timeouts.hello_ms);
  } catch (err) {
    upstream.destroy();
    onRefused(err);
    return refuseHandshake(client);
  }
  await pipeBoth(client, upstream, timeouts.idle_ms).catch((err: unknown) => log.debug({ err }, 'tunnel broken off'));
  log.info({ bytes_up: upstream.bytesWritten, bytes_down: upstream.bytesRead }, 'tunnel closed');
}

/**
 * Copies bytes in both directions until both sides have ended, one of them fails, or no byte was sent for `idle_ms`.
 */
async function pipeBoth(client: Duplex, upstream: Socket, idle_ms: number): Promise<void> {
  const closeBoth = (): void => void (client.destroy(), upstream.destroy());
  const idle = setTimeout(closeBoth, idle_ms);
  for (const end of [client, upstream]) {
    // Each end is part of two pipelines, which add more listeners than Node's leak warning allows.
    end.setMaxListeners(30);
    end.on('data', () => idle.refresh());
  }
  try {
    await Promise.all([pipeline(client, upstream), pipeline(upstream, client)]);
  } finally {
    clearTimeout(idle);
    closeBoth();
  }
}
