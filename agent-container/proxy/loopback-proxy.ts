import { once } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { CoordinatorClient } from '../reporting/coordinator-client.ts';
import { keepAliveAgent } from './coordinator-request.ts';
import { forwardConnect } from './forward-connect.ts';
import { forwardGit, type GitFailure } from './forward-git.ts';
import { addressSettings, isWebAddress, resolveAddress, type TaskRepository } from './repository-addresses.ts';

const CONNECTIONS_MAX = 256;

type Forwarded = { url: string; origin: string; takeGitFailure: () => GitFailure | null };

/**
 * How git and commands reach the network: an HTTP proxy on the worker's loopback. It forwards `/git/…` and CONNECT to
 * the coordinator and adds the task's token there, so that no command has to know it and every program that supports
 * HTTPS_PROXY works.
 */
export class LoopbackProxy {
  readonly #client: CoordinatorClient;
  readonly #agent: http.Agent;
  readonly #server: http.Server;
  readonly #tunnels = new Set<Duplex>();
  /** Those that the worker itself uses. */
  readonly #repositories: TaskRepository[] = [];
  /** By the path of each of them. */
  readonly #git_failures = new Map<string, GitFailure | null>();
  #has_forwarded_push = false;

  constructor(client: CoordinatorClient) {
    this.#client = client;
    this.#agent = keepAliveAgent(client.address);
    this.#server = http.createServer({ requestTimeout: 0 }, (request, response) => this.#serve(request, response));
    this.#server.maxConnections = CONNECTIONS_MAX;
    this.#server.on('connect', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      this.#tunnels.add(socket);
      socket.once('close', () => this.#tunnels.delete(socket));
      forwardConnect(client, request.url ?? '', socket, head);
    });
  }

  /** Listens on a free port. */
  async start(): Promise<void> {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening');
  }

  /** Closes all connections and tunnels. */
  async stop(): Promise<void> {
    if (this.#server.listening) {
      const closed = once(this.#server, 'close');
      this.#server.close();
      this.#server.closeAllConnections();
      for (const socket of this.#tunnels) socket.destroy();
      await closed;
    }
    this.#agent.destroy();
  }

  /** `http://127.0.0.1:<port>`: the value of HTTPS_PROXY. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Whether a push was begun through it: by the worker, or by a command of the agent. */
  get has_forwarded_push(): boolean {
    return this.#has_forwarded_push;
  }

  /**
   * A repository of the task, for git; `key` null: the first. `origin`: its address with the settings of commands.
   * `takeGitFailure`: the newest failure of a git request there since the last call, or null. Git does not show what a
   * response said.
   */
  remoteOf(key: string | null, repo_url: string): Forwarded {
    const path = key === null ? '/git' : `/git/${key}`;
    this.#repositories.push({ key, repo_url });
    this.#git_failures.set(path, null);
    const takeGitFailure = () => {
      const failure = this.#git_failures.get(path) ?? null;
      this.#git_failures.set(path, null);
      return failure;
    };
    const url = this.url + path;
    return { url, origin: isWebAddress(repo_url) ? repo_url : url, takeGitFailure };
  }

  /** Settings of git for commands: they reach these repositories at their own addresses. */
  get git_settings(): [name: string, value: string][] {
    return addressSettings(this.url, this.#repositories);
  }

  /** Whether a web page in a browser of this machine may have sent it: then it names its origin, or another host. */
  #isFromPage({ headers: { origin, host } }: IncomingMessage): boolean {
    return origin !== undefined || host !== new URL(this.url).host;
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const asked = request.url ?? '/';
    const found = resolveAddress(asked, this.#repositories);
    if (found?.location !== undefined) {
      request.resume();
      response.writeHead(307, { location: found.location }).end();
      return;
    }
    const path = found?.path ?? asked;
    if (/^\/git(\.git)?\//.test(path) && !this.#isFromPage(request)) {
      const repository = path.replace(/(\.git)?\/(info\/(refs(\?.*)?|lfs\/.*)|git-(upload|receive)-pack)$/, '');
      if (path.endsWith('/git-receive-pack')) this.#has_forwarded_push = true;
      const onFailure = (failure: GitFailure) => {
        if (this.#git_failures.has(repository)) this.#git_failures.set(repository, failure);
      };
      const options = { path, git_url: this.url + repository, onFailure };
      forwardGit(this.#client, this.#agent, request, response, options).catch(() => response.destroy());
      return;
    }
    request.resume();
    // A proxy is asked for plain http:// with the whole address as the path.
    const is_proxy_request = !path.startsWith('/');
    const text = is_proxy_request
      ? 'Plain http:// is not forwarded: only https://, through CONNECT.\n'
      : 'Not found.\n';
    response.writeHead(is_proxy_request ? 403 : 404, { 'content-type': 'text/plain' }).end(text);
  }
}
