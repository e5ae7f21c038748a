import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below the ports that systems give away by themselves: no server on port 0 takes one of these in between. */
const PORTS: [first: number, end: number] = [10_000, 32_000];
const TRIES_MAX = 100;

/** A free port, for a server that must restart at the same address, or that cannot choose one by itself. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const port = randomInt(...PORTS);
    const server = createServer().listen(port, '127.0.0.1');
    const is_free = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (!is_free) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
  throw new Error(`None of ${TRIES_MAX} ports is free.`);
}
