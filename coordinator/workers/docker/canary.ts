import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { z } from 'zod';
import { ErrandError } from '../../../protocol/problem.ts';
import { within } from '../../base/deadline.ts';
import type { Isolation } from '../runner.ts';
import { Canary, type Targets } from './canary-script.ts';
import { statusOf, unlessMissing, type Engine } from './engine.ts';
import { textOf } from './log-frames.ts';
import type { ContainerOptions } from './options.ts';

/** How long the canary may take. */
const RUN_MS = 30_000;
const RESULT = /^canary (\{.*\})$/m;
/** What the engine, or the init process in the container, says of a program that is not there. */
const NO_NODE = /exec: "?node"?: executable file not found|exec node failed: No such file or directory/;
const Items = z.array(
  z.object({
    what: z.enum(['network', 'host', 'dns', 'other_worker', 'engine', 'privileges']),
    detail: z.string().max(500),
  }),
);
type Items = z.infer<typeof Items>;
const Result = z.object({ found: Items, untried: Items });

const MEANING: Record<Items[number]['what'], string> = {
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
 * another worker. `name`: the container's. `kernel`: the version of the engine's, if it tells. Rejects if it could not
 * be tried now. The script needs Node: where the image of the workers has none, it runs in `image_with_node`, since the
 * image does not decide what a container may reach.
 */
export async function tryIsolation(
  engine: Engine,
  { name, image_with_node, kernel }: { name: string; image_with_node: string; kernel: string | null },
  options: ContainerOptions,
  others: string[],
): Promise<Omit<Isolation, 'changed'>> {
  const listener = await listenEverywhere();
  try {
    const address = listener.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const targets = {
      host: ownAddresses(port),
      network: ELSEWHERE,
      name: 'example.com',
      engines: ENGINES,
      kernel,
      others,
    };
    const images = [...new Set([options.Image, image_with_node])];
    for (const Image of images) {
      const result = await runIn(engine, name, { ...options, Image }, targets);
      if (result) return { fault: explain(result), detail: 'was tried' };
    }
    return { fault: withoutNode(images), detail: 'could not be tried' };
  } finally {
    listener.close();
  }
}

/** Listens on a free port of all addresses. Where IPv6 is off, those of IPv4 are all. */
async function listenEverywhere(): Promise<Server> {
  const listenOn = async (host: string) => {
    const listener = createServer((socket) => socket.destroy()).listen(0, host);
    await once(listener, 'listening');
    return listener;
  };
  return listenOn('::').catch(() => listenOn('0.0.0.0'));
}

function withoutNode(images: string[]): string {
  return (
    `It cannot be tried whether workers are isolated, so none is started: Node is missing in ${images.join(', and there is none in ')}. ` +
    `Build Errand's own image, in which it can be tried: npm run image`
  );
}

function ownAddresses(port: number): Targets['host'] {
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return own.map(({ address }) => ({ address, port }));
}

function explain({ found, untried }: z.infer<typeof Result>): string | null {
  if (found.length > 0) return `Workers are not isolated, so none is started. A container could reach: ${list(found)}.`;
  if (untried.length === 0) return null;
  return `It cannot be tried whether workers are isolated, so none is started. Not tried: ${list(untried)}.`;
}

function list(items: Items): string {
  const parts = Map.groupBy(items, ({ what }) => what);
  return [...parts].map(([what, of]) => `${MEANING[what]} (${of.map(({ detail }) => detail).join(', ')})`).join('; ');
}

/** Resolves with what the script says; undefined if the image has no Node, or does not exist. */
async function runIn(
  engine: Engine,
  name: string,
  options: ContainerOptions,
  targets: Targets,
): Promise<z.infer<typeof Result> | undefined> {
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
    if (NO_NODE.test(output)) return undefined;
    if (result === undefined)
      throw new ErrandError('unavailable', `The canary did not say what it found: ${output.slice(-500)}`);
    return Result.parse(JSON.parse(result));
  } catch (error) {
    if (isWithoutNode(error)) return undefined;
    throw error;
  } finally {
    await remove();
  }
}

function isWithoutNode(error: unknown): boolean {
  if (statusOf(error) === 404) return error instanceof Error && /no such image/i.test(error.message);
  return error instanceof Error && NO_NODE.test(error.message);
}
