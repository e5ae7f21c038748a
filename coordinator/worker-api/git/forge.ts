import { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { ErrandError } from '../../../protocol/problem.ts';
import {
  AddressError,
  addressGuard,
  listsHost,
  type AddressGuard,
  type AskOwnAddresses,
  type Resolve,
} from '../../base/address-guard.ts';
import { guardedConnector, refusePrivate } from '../../base/guarded-connector.ts';
import { hasProxy, NO_PROXY, OutgoingAgent, type OutgoingProxy } from '../../base/outgoing.ts';
import { tlsHint } from '../../base/tls-hint.ts';
import type { ForgeCredential, ForgeRepository } from '../../domain/forge-repository.ts';
import { mediaType, type GitRequest, type GitResponse } from './backend.ts';
import { understand } from './forge-answer.ts';
import { ForgeError } from './forge-error.ts';

/**
 * `connect_ms`: to accept a connection. `answer_ms`: to begin the response. `idle_ms`: between two pieces of the
 * response.
 */
export type ForgeTimeouts = { connect_ms: number; answer_ms: number; idle_ms: number };
const FORGE_TIMEOUTS: ForgeTimeouts = { connect_ms: 10_000, answer_ms: 120_000, idle_ms: 120_000 };

/** The ports that git may reach at a host that the server's owner did not list: others are other services. */
export const FORGE_PORTS = [80, 443];

const REDIRECTS_MAX = 3;
const MOVED_MAX = 1000;

/**
 * A plain HTTP request. `names_host`: it is the first for a host that a person named, so an unknown name is final.
 * `for_repo`: the address comes from the forge of this repository. The owner's exceptions hold for it if they hold
 * for the repository itself: no other forge may lead to a private host.
 */
export type PlainRequest = {
  method: 'GET' | 'POST' | 'PUT';
  headers: Record<string, string>;
  body: AsyncIterable<Buffer> | Buffer | null;
  signal: AbortSignal;
  names_host?: boolean;
  for_repo?: string;
};

/** How requests are sent: with a guard of where to. */
type Way = { guard: AddressGuard; agent: OutgoingAgent };

/**
 * `private_hosts`: the owner's exceptions. `ownAddresses`: by default those of the machine's interfaces. The others are
 * for tests, but for the proxy.
 */
export type ForgeOptions = {
  private_hosts: string[];
  proxy?: OutgoingProxy | undefined;
  ownAddresses?: AskOwnAddresses | undefined;
  resolve?: Resolve | undefined;
  timeouts?: ForgeTimeouts | undefined;
};

/** Sends git requests to forges over HTTP, with the repository's credential. */
export class Forge {
  readonly #trusted: Way;
  /** Without the owner's exceptions. */
  readonly #strict: Way;
  readonly #isListed: (url: URL) => boolean;
  readonly #has_proxy: boolean;
  /**
   * The URL that each repository was last redirected to. A forge redirects only `info/refs`; the requests after it
   * use the same URL.
   */
  readonly #moved = new Map<string, string>();

  constructor({ private_hosts, resolve, ownAddresses, timeouts = FORGE_TIMEOUTS, proxy = NO_PROXY }: ForgeOptions) {
    this.#has_proxy = hasProxy(proxy);
    const way = (hosts: string[]): Way => {
      const guard = addressGuard(hosts, resolve, { ports: FORGE_PORTS, ownAddresses });
      const agent = new OutgoingAgent(proxy, {
        connect: guardedConnector(guard, timeouts.connect_ms),
        allowH2: false,
        headersTimeout: timeouts.answer_ms,
        bodyTimeout: timeouts.idle_ms,
      });
      return { guard, agent };
    };
    this.#trusted = way(private_hosts);
    this.#strict = way([]);
    this.#isListed = ({ protocol, hostname, port }) =>
      listsHost(private_hosts, hostname, Number(port) || (protocol === 'https:' ? 443 : 80));
  }

  /**
   * Sends one request and resolves with the response. Rejects with a `ForgeError` that explains any response that
   * is not git's.
   */
  async ask({ repo_url, credential }: ForgeRepository, request: GitRequest): Promise<GitResponse> {
    const given = repo_url.replace(/\/+$/, '');
    let base = request.body ? this.addressOf(given) : given;
    for (let redirects = 0; ; redirects++) {
      const answer = await this.#ask(base, credential, request);
      if (!isRedirect(answer)) {
        if (!request.body) this.#remember(given, base);
        return understand(answer, { base, credential, request });
      }
      await answer.body.dump();
      if (request.body || redirects === REDIRECTS_MAX)
        throw new ForgeError(
          'moved',
          `${new URL(base).host} redirects git endlessly. Give the repository's own address.`,
        );
      base = redirected(base, answer, request);
    }
  }

  /** The repository's address, as the forge gave it last. */
  addressOf(repo_url: string): string {
    const given = repo_url.replace(/\/+$/, '');
    return this.#moved.get(given) ?? given;
  }

  /** Sends a request to a host that the guard allows. Rejects with a `ForgeError` where there is no response. */
  async send(url: URL, request: PlainRequest): Promise<Dispatcher.ResponseData> {
    const { method, headers, body, signal, names_host, for_repo } = request;
    const { guard, agent } = for_repo === undefined || this.#isListed(new URL(for_repo)) ? this.#trusted : this.#strict;
    try {
      if (this.#has_proxy) await refusePrivate(guard, url);
      return await agent.request({
        origin: url.origin,
        path: url.pathname + url.search,
        method,
        headers,
        body: body === null || Buffer.isBuffer(body) ? body : Readable.from(body),
        signal,
      });
    } catch (cause) {
      throw signal.aborted ? cause : sendError(url.host, names_host === true, cause);
    }
  }

  #ask(base: string, credential: ForgeCredential | undefined, request: GitRequest): Promise<Dispatcher.ResponseData> {
    const { service, body, signal } = request;
    const headers: Record<string, string> = { ...request.headers };
    if (credential) headers.authorization = basic(credential);
    if (body) headers['content-type'] = mediaType(service, 'request');
    if (body?.bytes !== undefined) headers['content-length'] = String(body.bytes);
    return this.send(new URL(base + suffix(request)), {
      method: body ? 'POST' : 'GET',
      headers,
      body: body?.chunks ?? null,
      signal,
      names_host: service === 'git-upload-pack' && !body,
    });
  }

  #remember(given: string, found: string): void {
    this.#moved.delete(given);
    if (found === given) return;
    const [oldest] = this.#moved.keys();
    if (this.#moved.size >= MOVED_MAX && oldest !== undefined) this.#moved.delete(oldest);
    this.#moved.set(given, found);
  }
}

function suffix({ service, body }: GitRequest): string {
  return body ? `/${service}` : `/info/refs?service=${service}`;
}

function isRedirect({ statusCode, headers }: Dispatcher.ResponseData): boolean {
  return statusCode >= 300 && statusCode < 400 && typeof headers.location === 'string';
}

/**
 * The repository's new URL after a redirect: as in git, the part before `/info/refs`. The credential is sent there
 * too, so the redirect must stay on the same host, and may change http to https but not back.
 */
function redirected(base: string, { headers }: Dispatcher.ResponseData, request: GitRequest): string {
  const from = new URL(base);
  const location = String(headers.location);
  const to = URL.canParse(location, from.href + suffix(request))
    ? new URL(location, from.href + suffix(request))
    : undefined;
  const upgrade = from.protocol === 'http:' && to?.protocol === 'https:' && from.port === '' && to.port === '';
  const follows = to && to.hostname === from.hostname && (to.origin === from.origin || upgrade);
  if (!follows || !to.pathname.endsWith('/info/refs') || to.search !== `?service=${request.service}`)
    throw new ForgeError(
      'moved',
      `${from.host} says that the repository is elsewhere${to ? `: ${to.origin}${to.pathname}` : ''}. Give its new address.`,
    );
  return to.origin + to.pathname.slice(0, -'/info/refs'.length);
}

/** The value of an `Authorization` header. */
export function basic({ username, password }: ForgeCredential): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

/** What kept a request from being sent, or its answer from coming. */
function sendError(host: string, names_host: boolean, cause: unknown): ErrandError {
  if (cause instanceof AddressError) {
    if (cause.fault !== 'unknown_name') return new ForgeError(cause.fault, cause.message, { cause });
    // Final for the first request of an attempt. A push is retried: its work would be lost if a name server were
    // wrong for a moment.
    return new ForgeError(names_host ? 'unknown_host' : 'unresolved', cause.message, { cause });
  }
  // The request's own body was refused on its way.
  if (cause instanceof ErrandError) return cause;
  const code = cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined;
  if (code !== undefined && TLS_CODE.test(code))
    return new ForgeError('tls', `The TLS connection to ${host} failed: ${code}.${tlsHint(code)}`, { cause });
  return new ForgeError('unreachable', `${host} could not be reached: ${code ?? 'no connection'}.`, { cause });
}

/** The codes of Node and OpenSSL for a certificate that is not valid, and for a port that does not speak TLS. */
const TLS_CODE = /^(CERT_|DEPTH_ZERO_|ERR_SSL_|ERR_TLS_|HOSTNAME_MISMATCH|SELF_SIGNED_|UNABLE_TO_|EPROTO$)/;
