import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import type { Ends } from './folder.ts';

/** A TCP proxy that simulates a bad network. */
export type CuttingProxy = {
  url: string;
  /** Resets all open connections; returns their number. */
  cut: () => number;
  /** Loses the next response: the request arrives, and its connection is reset before anything comes back. */
  loseAnswer: () => void;
  /** While true, refuses connections. */
  offline: boolean;
  /** The number of refused connections. */
  refused: number;
};

/** Forwards connections to `target`, until the test ends. */
export async function startCuttingProxy(t: Ends, target: string): Promise<CuttingProxy> {
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
    offline: false,
    refused: 0,
  };
  const server = createServer((near) => {
    if (network.offline) {
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
