import { createServer, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { temporaryFolder } from './folder.ts';

type FakeEngine = {
  docker_host: string;
  /** The received calls, such as `GET /info`. */
  calls: string[];
  /** The arguments of the builds. */
  build_args: unknown[];
  /** Reports to whoever watches that the engine has read its settings again. */
  reload: () => void;
  /** Ends every connection, as a restart does. */
  restart: () => void;
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
    return [404, { message: `No such image: ${path}` }];
  };
  const watching = new Set<ServerResponse>();
  const server = createServer((request, response) => {
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
    // No container ever exits.
    if (path.endsWith('/wait')) return;
    request.resume().on('end', () => {
      const [status, ...lines] = respond(path);
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(lines.map((line) => `${JSON.stringify(line)}\r\n`).join(''));
    });
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    docker_host: `unix://${socket}`,
    calls,
    build_args,
    reload: () => watching.forEach((response) => response.write('{"Type":"daemon","Action":"reload"}\n')),
    restart: () => server.closeAllConnections(),
  };
}
