import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import type { ExecutionContext } from 'ava';

/** A bad network: what it carries may be cut at any moment. */
export type CuttingProxy = {
  url: string;
  /** Ends all connections as they are, in the middle of whatever they carry; gives how many there were. */
  cut: () => number;
  /** Loses the next answer: the request arrives, and its connection is cut before anything comes back. */
  loseAnswer: () => void;
  /** Takes no connections, until it is told to again. */
  away: boolean;
  /** How many connections it has not taken. */
  refused: number;
};

/** Carries connections on to `target`, until the test ends. */
export async function startCuttingProxy(t: ExecutionContext, target: string): Promise<CuttingProxy> {
  const { hostname, port } = new URL(target);
  const open = new Set<Socket>();
  let losing = false;
  const network: CuttingProxy = {
    url: '',
    cut: () => {
      const count = open.size;
      for (const socket of open) socket.resetAndDestroy();
      return count;
    },
    loseAnswer: () => (losing = true),
    away: false,
    refused: 0,
  };
  const server = createServer((near) => {
    if (network.away) {
      network.refused++;
      near.resetAndDestroy();
      return;
    }
    const far = connect(Number(port), hostname);
    far.prependListener('data', () => {
      if (losing) near.resetAndDestroy();
      losing = false;
    });
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        open.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(async () => {
    network.cut();
    server.close();
    await once(server, 'close');
  });
  network.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return network;
}
