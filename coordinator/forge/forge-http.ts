import type { Dispatcher } from 'undici';
import { LIMITS } from '../../protocol/limits.ts';
import { ErrandError } from '../../protocol/problem.ts';
import { AddressError, addressGuard, type AddressGuard } from '../base/address-guard.ts';
import { checkWith } from '../base/check-body.ts';
import { GatheredBytes } from '../base/gathered-bytes.ts';
import { guardedConnector, refusePrivate } from '../base/guarded-connector.ts';
import { hasProxy, OutgoingAgent, type OutgoingProxy } from '../base/outgoing.ts';
import type { Job, ThreadPool } from '../base/threads.ts';
import { tlsHint } from '../base/tls-hint.ts';
import { ForgeApiError } from './forge-api-error.ts';
import { errorCode } from '../base/error-code.ts';

/** A request to a forge. `signal` ends it early. */
export type ForgeRequest = {
  method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  url: URL;
  headers: Record<string, string>;
  body?: string | undefined;
  signal?: AbortSignal | undefined;
};

/** Its answer. Header names are in lower case. */
export type ForgeAnswer = { status: number; headers: Record<string, string | undefined>; body: Buffer };

/** How long an answer may take, and what of its body is kept: all, or it is refused; or its end. */
export type AnswerLimits = { ms: number; bytes_max: number; tail_bytes?: number };

const API_LIMITS: AnswerLimits = { ms: LIMITS.forge_answer_ms, bytes_max: LIMITS.forge_answer_bytes_max };
/** How a connection ends that the other side has closed. */
const CLOSED = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']);
const REDIRECTS_MAX = 3;
/** A repository that was renamed or moved answers with one of these. The method stays the same. */
const REDIRECT = new Set([301, 302, 307, 308]);

/**
 * Sends requests to forges: only to public hosts, or those that the owner lists, through the proxy if there is one.
 * Time and size of each answer are bounded, and large ones are read in threads. Redirects lead no further than the same
 * origin.
 */
export class ForgeHttp {
  readonly #guard: AddressGuard;
  readonly #agent: OutgoingAgent;
  readonly #has_proxy: boolean;
  readonly #threads: ThreadPool;

  constructor(private_hosts: string[], proxy: OutgoingProxy, threads: ThreadPool) {
    this.#guard = addressGuard(private_hosts);
    this.#has_proxy = hasProxy(proxy);
    this.#threads = threads;
    this.#agent = new OutgoingAgent(proxy, {
      connect: guardedConnector(this.#guard, LIMITS.forge_answer_ms),
      allowH2: false,
      maxHeaderSize: 64 * 1024,
    });
  }

  /**
   * Rejects with `unreachable`, also if the signal says that the time is up, or with the signal's reason. An answer
   * with any status resolves, once redirects end.
   */
  async send(request: ForgeRequest, limits: AnswerLimits = API_LIMITS): Promise<ForgeAnswer> {
    let url = request.url;
    for (let redirects = 0; ; redirects++) {
      const answer = await this.sendOnce({ ...request, url }, limits);
      if (!REDIRECT.has(answer.status)) return answer;
      const next = URL.parse(answer.headers['location'] ?? '', url.href);
      if (next === null || next.origin !== request.url.origin)
        throw new ForgeApiError('unreachable', `${url.host} sent the request on to another server.`);
      if (redirects === REDIRECTS_MAX)
        throw new ForgeApiError('unreachable', `${url.host} sent the request on too often.`);
      url = next;
    }
  }

  /** Sends it and follows no redirect. Rejects as `send` does. */
  async sendOnce(request: ForgeRequest, limits: AnswerLimits = API_LIMITS): Promise<ForgeAnswer> {
    const timeout = AbortSignal.timeout(limits.ms);
    const signal = request.signal ? AbortSignal.any([request.signal, timeout]) : timeout;
    try {
      return await this.#exchange({ ...request, signal }, limits).catch((error: unknown) => {
        // The forge may close an idle connection just when it is used again. What only reads is asked again.
        if (request.method !== 'GET' || !CLOSED.has(codeOf(error))) throw error;
        return this.#exchange({ ...request, signal }, limits);
      });
    } catch (error) {
      const { signal: given, url } = request;
      if (!given?.aborted) throw unreachable(error, url, limits);
      if (!isTimeout(given.reason)) given.throwIfAborted();
      throw new ForgeApiError('unreachable', `${url.host} did not answer in time.`, { cause: error });
    }
  }

  /**
   * Reads the body of an answer, in another thread if it is large, which takes its bytes. Rejects with `unreachable` if
   * that takes too much, or too many wait.
   */
  async run<A extends unknown[], T>(host: string, body: Buffer, job: Job<A, T>, ...args: A): Promise<T> {
    try {
      const { value } = await checkWith(this.#threads, { key: host, charge: () => undefined })(body, job, ...args);
      return value;
    } catch (error) {
      if (!(error instanceof ErrandError)) throw error;
      const malformed = error.code === 'too_large';
      const message = malformed
        ? `${host} answered with too much to read.`
        : `The server has too much else to read to look at what ${host} answered.`;
      throw new ForgeApiError('unreachable', message, { cause: error, malformed });
    }
  }

  async #exchange({ url, method, headers, body, signal }: ForgeRequest, limits: AnswerLimits): Promise<ForgeAnswer> {
    if (this.#has_proxy) await refusePrivate(this.#guard, url);
    const response = await this.#agent.request({
      origin: url.origin,
      path: url.pathname + url.search,
      method,
      headers: { ...headers, 'user-agent': 'Errand' },
      body: body ?? null,
      ...(signal && { signal }),
    });
    const answer = { status: response.statusCode, headers: headersOf(response) };
    return { ...answer, body: await readBody(response, limits, url) };
  }

  /** Closes all connections, and ends the requests in progress. */
  close(): Promise<void> {
    return this.#agent.destroy();
  }
}

function headersOf({ headers }: Dispatcher.ResponseData): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
  );
}

async function readBody({ body, headers }: Dispatcher.ResponseData, limits: AnswerLimits, url: URL): Promise<Buffer> {
  if (limits.tail_bytes !== undefined) return readEnd(body, limits.bytes_max, limits.tail_bytes);
  const { bytes_max } = limits;
  const gathered = new GatheredBytes(Math.min(Number(headers['content-length'] ?? 0), bytes_max), bytes_max);
  let bytes = 0;
  for await (const piece of body as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > bytes_max)
      throw new ForgeApiError('unreachable', `${url.host} answered with more than ${bytes_max} bytes.`, {
        malformed: true,
      });
    gathered.add(piece);
  }
  return gathered.bytes;
}

/** The end of a body. What comes after `bytes_max` is not read. */
async function readEnd(body: AsyncIterable<Buffer>, bytes_max: number, tail_bytes: number): Promise<Buffer> {
  let pieces: Buffer[] = [];
  let kept = 0;
  let bytes = 0;
  for await (const piece of body) {
    pieces.push(piece);
    kept += piece.length;
    bytes += piece.length;
    if (kept > 2 * tail_bytes) {
      pieces = [Buffer.concat(pieces).subarray(-tail_bytes)];
      kept = tail_bytes;
    }
    if (bytes >= bytes_max) break;
  }
  return Buffer.concat(pieces).subarray(-tail_bytes);
}

function unreachable(error: unknown, { host }: URL, { ms }: AnswerLimits): ForgeApiError {
  if (error instanceof ForgeApiError) return error;
  if (error instanceof AddressError) return new ForgeApiError('unreachable', error.message, { cause: error });
  if (isTimeout(error))
    return new ForgeApiError('unreachable', `${host} did not answer within ${ms / 1000} seconds.`, { cause: error });
  return new ForgeApiError('unreachable', `${host} could not be reached: ${codeOf(error)}.${tlsHint(codeOf(error))}`, {
    cause: error,
  });
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.name === 'TimeoutError';
}

function codeOf(error: unknown): string {
  return errorCode(error) ?? 'no connection';
}
