import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { MEMORY_DIR } from './folder.ts';
import { GIT_ENVIRONMENT } from './git-environment.ts';
import { importCommit } from './import-commit.ts';

/** A request that the server received. */
type SeenRequest = { method: string; url: string; headers: IncomingMessage['headers'] };

/** Handles a request before the server does. True: the server does nothing more. */
export type Intercept = (request: IncomingMessage, response: ServerResponse) => boolean | Promise<boolean>;

/** A git server over HTTP (`git http-backend`), with Basic authentication if it has a credential. */
export type GitServer = {
  /** `http://127.0.0.1:<port>`. */
  origin: string;
  /** `127.0.0.1:<port>`, for `private_hosts`. */
  host: string;
  /** The folder of its bare repositories. */
  root: string;
  requests: SeenRequest[];
  /** Set it to fail, delay, refuse or redirect requests. */
  intercept: Intercept | undefined;
  /** Creates a repository with one commit on `main`; returns its address. `name` may contain slashes. */
  createRepository: (name: string, files?: Record<string, string | Buffer>) => Promise<string>;
  /** Open connections. */
  connections: () => number;
  close: () => Promise<void>;
};

export type Credential = { username: string; password: string };

/** The folder of git's own programs: to start one of them from there saves a process each time. */
let gitPrograms: Promise<string> | undefined;

/** Starts a server on a free port, with a temporary folder. */
export async function startGitServer(credential?: Credential): Promise<GitServer> {
  const root = await mkdtemp(join(MEMORY_DIR, 'errand-git-server-'));
  const programs = await (gitPrograms ??= git(root, '--exec-path'));
  const sockets = new Set<Socket>();
  const http = createServer((request, response) => {
    void answer(server, programs, credential, request, response).catch((error: unknown) =>
      response.destroy(error as Error),
    );
  });
  http.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const host = `127.0.0.1:${(http.address() as AddressInfo).port}`;
  const server: GitServer = {
    origin: `http://${host}`,
    host,
    root,
    requests: [],
    intercept: undefined,
    createRepository: (name, files = { 'README.md': '# A repository\n' }) =>
      createRepository(root, name, files).then(() => `http://${host}/${name}`),
    connections: () => sockets.size,
    close: async () => {
      http.close();
      for (const socket of sockets) socket.destroy();
      await rm(root, { recursive: true, force: true });
    },
  };
  return server;
}

/** Runs git without any configuration files; returns its standard output. */
export async function git(cwd: string, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('git', args, { cwd, env: GIT_ENVIRONMENT, maxBuffer: 64 * 1024 * 1024 });
  return stdout.trim();
}

/** Runs git; does not throw if it fails. */
export async function tryGit(cwd: string, ...args: string[]): Promise<{ ok: boolean; stdout: string; stderr: string }> {
  try {
    return { ok: true, ...(await promisify(execFile)('git', args, { cwd, env: GIT_ENVIRONMENT })) };
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    return { ok: false, stdout, stderr };
  }
}

/** Writes a bare repository by hand and imports its commit: `git init` would be another process. */
async function createRepository(root: string, name: string, files: Record<string, string | Buffer>): Promise<void> {
  const bare = join(root, name);
  await mkdir(join(bare, 'objects'), { recursive: true });
  for (const folder of ['refs', 'hooks']) await mkdir(join(bare, folder));
  await writeFile(join(bare, 'HEAD'), 'ref: refs/heads/main\n');
  await writeFile(join(bare, 'config'), '[core]\n\tbare = true\n[http]\n\treceivepack = true\n');
  await importCommit(bare, { branch: 'main', parent: undefined, message: 'First\n', files });
}

async function answer(
  server: GitServer,
  programs: string,
  credential: Credential | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method = '', url = '', headers } = request;
  server.requests.push({ method, url, headers });
  if (server.intercept !== undefined && (await server.intercept(request, response))) return;
  if (credential !== undefined && headers.authorization !== basic(credential)) {
    response
      .writeHead(401, { 'www-authenticate': 'Basic realm="forge"', 'set-cookie': 'session=1' })
      .end('Who are you?');
    return;
  }
  backend(programs, server.root, request, response);
}

/** The `Authorization` header of a credential. */
export function basic({ username, password }: Credential): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

/**
 * Runs `git http-backend`, a CGI program: the request is in its environment, the response's head precedes its output.
 */
function backend(programs: string, root: string, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', 'http://server');
  const { headers } = request;
  const child = spawn(join(programs, 'git-http-backend'), {
    env: {
      ...GIT_ENVIRONMENT,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      REQUEST_METHOD: request.method,
      PATH_INFO: decodeURIComponent(url.pathname),
      QUERY_STRING: url.search.slice(1),
      REMOTE_ADDR: '127.0.0.1',
      REMOTE_USER: 'someone',
      CONTENT_TYPE: headers['content-type'],
      CONTENT_LENGTH: headers['content-length'],
      HTTP_CONTENT_ENCODING: headers['content-encoding'],
      GIT_PROTOCOL: headers['git-protocol'] as string | undefined,
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  request.pipe(child.stdin);
  child.stdin.on('error', () => {});
  response.on('close', () => child.kill());
  let head = Buffer.alloc(0);
  const onData = (chunk: Buffer) => {
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return;
    child.stdout.off('data', onData).pause();
    const fields = head
      .subarray(0, end)
      .toString('latin1')
      .split('\r\n')
      .map((line) => line.split(/:\s*/, 2) as [string, string]);
    const status = fields.find(([name]) => name === 'Status')?.[1] ?? '200';
    response.writeHead(parseInt(status, 10), fields.filter(([name]) => name !== 'Status').flat());
    response.write(head.subarray(end + 4));
    child.stdout.pipe(response);
  };
  child.stdout.on('data', onData);
  child.on('error', (error) => response.destroy(error));
}
