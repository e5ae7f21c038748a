import { once } from 'node:events';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { z } from 'zod';
import { within } from '../../base/deadline.ts';
import type { Isolation } from '../runner.ts';
import { Canary, type Targets } from './canary-script.ts';
import { unlessMissing, type Engine } from './engine.ts';
import { textOf } from './log-frames.ts';
import type { ContainerOptions } from './options.ts';

/** How long the canary may take. */
const RUN_MS = 30_000;
const RESULT = /^canary (\[.*\])$/m;
const Result = z.array(
  z.object({
    what: z.enum(['network', 'host', 'dns', 'other_worker', 'engine', 'privileges']),
    detail: z.string().max(500),
  }),
);

const MEANING: Record<z.infer<typeof Result>[number]['what'], string> = {
  network: 'the network',
  host: 'this machine',
  dns: 'a DNS server',
  other_worker: "another worker's folder",
  engine: 'the socket of the container engine',
  privileges: 'privileges',
};

/** Addresses that answer from anywhere, and those of the services that clouds offer to their machines. */
const ELSEWHERE = [
  { address: '1.1.1.1', port: 443 },
  { address: '8.8.8.8', port: 53 },
  { address: '2606:4700:4700::1111', port: 443 },
  { address: '169.254.169.254', port: 80 },
];
const ENGINES = [
  '/var/run/docker.sock',
  '/run/docker.sock',
  '/run/containerd/containerd.sock',
  '/run/podman/podman.sock',
];

/**
 * Starts a container with the options of a worker, in which a script tries what a worker must not be able to do. A
 * setting of the engine, a runtime or a version may undo what the options ask for. `others`: files in the folder of
 * another worker. `name`: the container's. Rejects if it could not be tried. An image without Node cannot be tried at
 * all, and passes.
 */
export async function tryIsolation(
  engine: Engine,
  name: string,
  options: ContainerOptions,
  others: string[],
): Promise<Isolation> {
  const listener = createServer((socket) => socket.destroy());
  // Where IPv6 is off, the addresses of IPv4 still are.
  listener.listen(0, '::').on('error', () => listener.listen(0, '0.0.0.0'));
  await once(listener, 'listening');
  try {
    const address = listener.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const { KernelVersion: kernel = null } = await engine.calls.info();
    const host = ownAddresses(port);
    const targets = { host, network: ELSEWHERE, name: 'example.com', engines: ENGINES, kernel, others };
    return { fault: explain(await runIn(engine, name, options, targets)), detail: 'was tried' };
  } catch (error) {
    if (!hasNoNode(error)) throw error;
    return { fault: null, detail: 'could not be tried: the image of the workers has no Node' };
  } finally {
    listener.close();
  }
}

function hasNoNode(error: unknown): boolean {
  return error instanceof Error && /exec: "?node"?: executable file not found/.test(error.message);
}

function ownAddresses(port: number): Targets['host'] {
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return own.map(({ address }) => ({ address, port }));
}

function explain(found: z.infer<typeof Result>): string | null {
  if (found.length === 0) return null;
  const parts = Map.groupBy(found, ({ what }) => what);
  const list = [...parts].map(([what, of]) => `${MEANING[what]} (${of.map(({ detail }) => detail).join(', ')})`);
  return `Workers are not isolated, so none is started. A container could reach: ${list.join('; ')}.`;
}

async function runIn(
  engine: Engine,
  name: string,
  options: ContainerOptions,
  targets: Targets,
): Promise<z.infer<typeof Result>> {
  const script = `new (${Canary.toString()})(${JSON.stringify(targets)}).run().then((found) => console.log('canary ' + JSON.stringify(found)))`;
  const remove = () => unlessMissing(engine.calls.removeContainer(name));
  // Left by a process that died.
  await remove();
  try {
    await engine.calls.createContainer(name, { ...options, Entrypoint: ['node'], Cmd: ['-e', script] });
    await engine.calls.startContainer(name);
    await within(RUN_MS, engine.waits.waitForContainer(name));
    const output = textOf(await engine.calls.readLogs(name, 50));
    const result = RESULT.exec(output)?.[1];
    if (result === undefined) throw new Error(`The canary did not say what it found: ${output.slice(-500)}`);
    return Result.parse(JSON.parse(result));
  } finally {
    await remove();
  }
}
