import http from 'node:http';
import https from 'node:https';
import type { CoordinatorAddress } from '../reporting/coordinator-client.ts';

/** A connection that carries nothing for this long is closed. */
const SILENCE_MS = 300_000;

/**
 * Connections that are kept alive. Without keep-alive a connection is closed after its response, and an early response
 * could be lost with it.
 */
export function keepAliveAgent({ origin }: CoordinatorAddress): http.Agent {
  return new (origin.startsWith('https:') ? https : http).Agent({ keepAlive: true, timeout: SILENCE_MS });
}

/** Starts a request to the coordinator, over its socket or TCP. */
export function requestCoordinator(address: CoordinatorAddress, options: http.RequestOptions): http.ClientRequest {
  const { protocol, hostname, port } = new URL(address.origin);
  const { request } = protocol === 'https:' ? https : http;
  const target = address.socket_path === null ? { hostname, port } : { socketPath: address.socket_path };
  return request({ timeout: SILENCE_MS, ...options, ...target });
}
