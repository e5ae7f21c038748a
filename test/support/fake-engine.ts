import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { temporaryFolder } from './folder.ts';

type FakeEngine = {
  docker_host: string;
  /** The received calls, such as `GET /info`. */
  calls: string[];
  /** The arguments of the builds. */
  build_args: unknown[];
  is_watched: () => boolean;
  /** Reports to whoever watches that the engine has read its settings again. */
  reload: () => void;
  /** Ends the connections of those who watch, as a proxy does where nothing happens for long. */
  cutWatch: () => void;
  /** Ends every connection, as a restart does. */
  restart: () => void;
  /** Has a container that runs. */
  run: (name: string) => void;
  /** Ends that container, and responds to those who wait for it. */
  exit: (name: string, code: number) => void;
  /** Begins to stop where systemd keeps the socket: earlier calls are responded to, and further ones wait. */
  beginStop: () => void;
  /** How many calls wait. */
  waiting: () => number;
  /** Ends the connections of earlier calls, and the next engine responds to those that wait. */
  startAgain: () => void;
};

type Options = {
  /** The lines of a build's response; undefined: builds fail with 500. */
  build?: object[];
  /** Whether the image exists from the start; a successful build creates it. */
  has_image?: boolean;
  /** The labels of that image; one that was built has none. */
  labels?: Record<string, string>;
  /** Further images, by their names. */
  images?: Record<string, object>;
  /** Fails everything but the ping with 500: an engine that is up and broken. */
  broken?: boolean;
};

/** A Docker engine with the part of the API that the server's start uses, and with faults. Stops with the test. */
export async function startFakeEngine(t: ExecutionContext, options: Options = {}): Promise<FakeEngine> {
  const socket = join(await temporaryFolder(t), 'docker.sock');
  const calls: string[] = [];
  const build_args: unknown[] = [];
  let has_image = options.has_image ?? false;
  let labels = options.labels;
  const { find, wait, ...containers } = fakeContainers();
  const respond = (path: string): [status: number, ...lines: object[]] => {
    if (path === '/_ping') return [200];
    if (options.broken === true) return [500, { message: 'the storage driver failed' }];
    if (path === '/info') return [200, { NCPU: 2, LiveRestoreEnabled: true }];
    if (path === '/build') {
      if (!options.build) return [500, { message: 'no room on the disk' }];
      if (!options.build.some((line) => 'error' in line)) [has_image, labels] = [true, undefined];
      return [200, ...options.build];
    }
    if (path === '/version') return [200, { Version: '99.1' }];
    const further = options.images?.[/^\/images\/(.*)\/json$/.exec(path)?.[1] ?? ''];
    if (further) return [200, further];
    if (path.startsWith('/images/') && has_image && options.images === undefined)
      return [200, { Config: { Labels: labels } }];
    const container = find(path);
    if (container) return [200, container];
    return [404, { message: `No such image: ${path}` }];
  };
  const watching = new Set<ServerResponse>();
  const answer: RequestListener = (request, response) => {
    const path = (request.url ?? '').split('?')[0] ?? '';
    calls.push(`${request.method} ${path}`);
    if (path === '/build')
      build_args.push(JSON.parse(new URL(request.url ?? '', 'http://engine').searchParams.get('buildargs') ?? ''));
    if (path === '/events') {
      response.writeHead(200).flushHeaders();
      watching.add(response);
      response.once('close', () => watching.delete(response));
      return;
    }
    if (path.endsWith('/wait')) return wait(path, response);
    request.resume().on('end', () => {
      const [status, ...lines] = respond(path);
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(lines.map((line) => `${JSON.stringify(line)}\r\n`).join(''));
    });
  };
  const { server, ...stopping } = serverThatStops(answer);
  await listen(t, server, socket);
  return {
    docker_host: `unix://${socket}`,
    calls,
    build_args,
    is_watched: () => watching.size > 0,
    reload: () => watching.forEach((response) => response.write('{"Type":"daemon","Action":"reload"}\n')),
    cutWatch: () => watching.forEach((response) => response.end()),
    restart: () => server.closeAllConnections(),
    ...containers,
    ...stopping,
  };
}

async function listen(t: ExecutionContext, server: Server, socket: string): Promise<void> {
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
}

/** A server where a call waits for the next engine once it stops. */
function serverThatStops(answer: RequestListener) {
  const open = new Set<Socket>();
  const waiting = new Map<Socket, () => void>();
  let is_stopping = false;
  const server = createServer((request, response) => {
    if (is_stopping) waiting.set(request.socket, () => answer(request, response));
    else answer(request, response);
  });
  server.on('connection', (connection) => {
    open.add(connection);
    connection.once('close', () => open.delete(connection));
  });
  return {
    server,
    beginStop: () => void (is_stopping = true),
    waiting: () => waiting.size,
    startAgain: () => {
      is_stopping = false;
      for (const connection of open) if (!waiting.has(connection)) connection.destroy();
      for (const proceed of waiting.values()) proceed();
      waiting.clear();
    },
  };
}

/** Containers that run until the test ends them. */
function fakeContainers() {
  const exit_codes = new Map<string, number | null>();
  const awaiting = new Map<string, ServerResponse>();
  return {
    run: (name: string) => void exit_codes.set(name, null),
    exit: (name: string, code: number) => {
      exit_codes.set(name, code);
      awaiting.get(`/containers/${name}/wait`)?.end(JSON.stringify({ StatusCode: code }));
    },
    wait: (path: string, response: ServerResponse) => void awaiting.set(path, response),
    find: (path: string) => {
      const code = exit_codes.get(/^\/containers\/([^/]+)\/json$/.exec(path)?.[1] ?? '');
      if (code === undefined) return undefined;
      const State = { Running: code === null, Status: code === null ? 'running' : 'exited', ExitCode: code ?? 0 };
      return { Config: {}, State: { ...State, OOMKilled: false }, Mounts: [] };
    },
  };
}
