import { WebSocket } from 'ws';
import { LIMITS } from '../../protocol/limits.ts';
import { isRedirect } from '../client/redirect.ts';
import { openWebSocket, type OpenSocket } from '../client/socket.ts';
import { proxyAgent } from './proxy.ts';

const HANDSHAKE_MS = 10_000;

/**
 * Opens a WebSocket that tells of redirects, which that of Node hides. Only that of Node knows how to lead a connection
 * without TLS through a proxy.
 */
export const openSocket: OpenSocket = (url, protocols, onRedirect) => {
  const agent = proxyAgent();
  if (agent && url.startsWith('ws:')) return openWebSocket(url, protocols, onRedirect);
  const socket = new WebSocket(url, [...protocols], {
    agent,
    handshakeTimeout: HANDSHAKE_MS,
    maxPayload: LIMITS.event_bytes_max * 8,
    perMessageDeflate: false,
  });
  // An error without a listener would end the process; whoever listens hears of it too.
  socket.on('error', () => undefined);
  socket.once('unexpected-response', (_request, { statusCode: status = 0, headers: { location } }) => {
    if (isRedirect(status)) onRedirect({ status, location });
    else socket.emit('error', new Error(`the server answered with ${status}`));
  });
  return {
    get readyState() {
      return socket.readyState;
    },
    send: (text) => socket.send(text),
    // It waits for no answer: a server that is gone would keep the process alive.
    close: () => socket.terminate(),
    addEventListener: (type: string, listener: (event: never) => void) =>
      // The types of ws pair each event with its listener, as those of the client do.
      socket.addEventListener(type as 'open', listener as () => void),
  };
};
