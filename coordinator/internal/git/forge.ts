import { Readable } from 'node:stream';
import { Agent, buildConnector, type Dispatcher } from 'undici';
import { ErrandError } from '../../../protocol/problem.ts';
import { pinned, type AddressGuard } from '../../addresses.ts';
import { mediaType, type GitRequest, type GitResponse } from './backend.ts';

/** A repository on a forge, and what opens it there; undefined: it is public. */
export type ForgeRepository = { repo_url: string; credential: ForgeCredential | undefined };
export type ForgeCredential = { username: string; password: string };

/** How long a forge may take: to accept a connection, to begin its answer, and between two pieces of it. */
export type ForgeTimeouts = { connect_ms: number; answer_ms: number; idle_ms: number };
export const FORGE_TIMEOUTS: ForgeTimeouts = { connect_ms: 10_000, answer_ms: 120_000, idle_ms: 120_000 };

const REDIRECTS_MAX = 3;
const MOVED_MAX = 1000;

/** Carries git's requests to forges over HTTP, and puts the repository's credential in. */
export class Forge {
  readonly #agent: Agent;
  /** Where repositories were found to be: a forge redirects `info/refs` alone, and git sends what follows there too. */
  readonly #moved = new Map<string, string>();

  constructor(guard: AddressGuard, timeouts: ForgeTimeouts) {
    this.#agent = new Agent({
      connect: guardedConnector(guard, timeouts.connect_ms),
      allowH2: false,
      headersTimeout: timeouts.answer_ms,
      bodyTimeout: timeouts.idle_ms,
    });
  }

  /** Throws an `ErrandError` that tells what the forge answered, where that was not git. */
  async ask({ repo_url, credential }: ForgeRepository, request: GitRequest): Promise<GitResponse> {
    let base = this.#moved.get(repo_url) ?? repo_url.replace(/\/+$/, '');
    for (let redirects = 0; ; redirects++) {
      const answer = await this.#send(base, credential, request);
      if (!isRedirect(answer)) {
        if (redirects > 0) this.#remember(repo_url, base);
        return understand(answer, base, credential, request);
      }
      await answer.body.dump();
      if (request.body || redirects === REDIRECTS_MAX)
        throw new ErrandError(
          'not_found',
          `${hostOf(base)} redirects git without an end. Give the repository's own address.`,
        );
      base = redirected(base, answer, request);
    }
  }

  async #send(
    base: string,
    credential: ForgeCredential | undefined,
    request: GitRequest,
  ): Promise<Dispatcher.ResponseData> {
    const url = new URL(base + suffix(request));
    const headers: Record<string, string> = { ...request.headers };
    if (credential) headers.authorization = basic(credential);
    if (request.body) headers['content-type'] = mediaType(request.service, 'request');
    if (request.body?.bytes !== undefined) headers['content-length'] = String(request.body.bytes);
    try {
      return await this.#agent.request({
        origin: url.origin,
        path: url.pathname + url.search,
        method: request.body ? 'POST' : 'GET',
        headers,
        body: request.body ? Readable.from(request.body.chunks) : null,
        signal: request.signal,
      });
    } catch (cause) {
      if (cause instanceof ErrandError || request.signal.aborted) throw cause;
      throw new ErrandError('upstream_unreachable', `${url.host} could not be reached: ${wordsOf(cause)}.`, { cause });
    }
  }

  #remember(repo_url: string, base: string): void {
    const [oldest] = this.#moved.keys();
    if (this.#moved.size >= MOVED_MAX && oldest !== undefined) this.#moved.delete(oldest);
    this.#moved.set(repo_url, base);
  }
}

/** Resolves a name once, checks every answer, and connects to those and nothing else. */
function guardedConnector(guard: AddressGuard, timeout: number): buildConnector.connector {
  const connect = async (options: buildConnector.Options, callback: buildConnector.Callback): Promise<void> => {
    const port = Number(options.port) || (options.protocol === 'https:' ? 443 : 80);
    const addresses = await guard(options.hostname, port).catch((error: Error) => error);
    if (addresses instanceof Error) callback(addresses, null);
    else buildConnector({ allowH2: false, timeout, lookup: pinned(addresses) })(options, callback);
  };
  return (options, callback) => void connect(options, callback);
}

function suffix({ service, body }: GitRequest): string {
  return body ? `/${service}` : `/info/refs?service=${service}`;
}

function isRedirect({ statusCode, headers }: Dispatcher.ResponseData): boolean {
  return statusCode >= 300 && statusCode < 400 && typeof headers.location === 'string';
}

/**
 * Where a redirect leads, as git reads it: the repository's new address is what comes before `/info/refs`. It must be on the same host, and may
 * turn http into https, never back: the credential goes with it.
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
    throw new ErrandError(
      'not_found',
      `${from.host} says that the repository is elsewhere${to ? `: ${to.origin}${to.pathname}` : ''}. Give its new address.`,
    );
  return to.origin + to.pathname.slice(0, -'/info/refs'.length);
}

async function understand(
  answer: Dispatcher.ResponseData,
  base: string,
  credential: ForgeCredential | undefined,
  request: GitRequest,
): Promise<GitResponse> {
  const { statusCode, headers, body } = answer;
  const type = mediaType(request.service, request.body ? 'result' : 'advertisement');
  if (statusCode === 200 && headers['content-type'] === type) return { headers: passedOn(headers), body };
  await body.dump();
  if (statusCode === 200)
    throw new ErrandError('not_found', `${base} answers, but not as a git repository over smart HTTP.`);
  throw refusal(statusCode, Number(headers['retry-after']), base, credential, request);
}

/** What the forge's status means for whoever gave the repository and its credential. */
function refusal(
  status: number,
  retry_after_s: number,
  base: string,
  credential: ForgeCredential | undefined,
  { service }: GitRequest,
): ErrandError {
  const host = hostOf(base);
  const retry = retry_after_s > 0 ? { retry_after_s } : {};
  const right = service === 'git-receive-pack' ? 'push to' : 'read';
  switch (status) {
    case 401:
      return credential
        ? new ErrandError('forbidden', `${host} refused the credential for ${base}. It may be wrong, or have expired.`)
        : new ErrandError(
            'forbidden',
            `${host} asks for a credential to ${right} ${base}, and there is none: give the project a git token. (Some forges answer so where there is no such repository, too.)`,
          );
    case 403:
      return new ErrandError(
        'forbidden',
        `${host} does not allow ${credential ? 'this credential' : 'just anyone'} to ${right} ${base}.`,
      );
    case 404:
    case 410:
      return new ErrandError(
        'not_found',
        `There is no repository at ${base}${credential ? ', or this credential may not see it' : ', or it is private and there is no credential'}.`,
      );
    case 413:
      return new ErrandError('too_large', `${host} does not take a push of this size.`);
    case 429:
      return new ErrandError('rate_limited', `${host} asks to be left alone for a while.`, retry);
    default:
      return new ErrandError('upstream_unreachable', `${host} answered with the status ${status}.`, retry);
  }
}

/** The headers of an answer that concern git; whatever else a forge says (cookies, challenges) stays here. */
function passedOn(headers: Dispatcher.ResponseData['headers']): Record<string, string> {
  const passed: Record<string, string> = {};
  for (const name of ['content-type', 'content-encoding', 'content-length', 'cache-control']) {
    const value = headers[name];
    if (typeof value === 'string') passed[name] = value;
  }
  return passed;
}

function basic({ username, password }: ForgeCredential): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

function hostOf(base: string): string {
  return new URL(base).host;
}

function wordsOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : 'no connection';
}
