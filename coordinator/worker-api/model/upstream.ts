import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import { ErrandError } from '../../../protocol/problem.ts';
import { NO_PROXY, OutgoingAgent, type OutgoingProxy } from '../../base/outgoing.ts';
import { keyVerdict } from '../../domain/key-verdict.ts';
import { requestHeaders } from './headers.ts';
import { errorCode } from '../../base/error-code.ts';

/** The address of the Claude API, and the server's key for it. */
export type Upstream = { base_url: string; api_key: string };

/**
 * How long to wait for a connection, for the head of the answer, for its next byte, and for the rest of an answer whose
 * worker has hung up.
 */
export type Timeouts = { connect_ms: number; head_ms: number; idle_ms: number; linger_ms: number };
/**
 * An answer that is not streamed may take ten minutes. A stream sends pings while the model works. The rest of an
 * answer usually comes within a minute; it is read because only its end says what it cost.
 */
export const TIMEOUTS: Timeouts = { connect_ms: 10_000, head_ms: 600_000, idle_ms: 300_000, linger_ms: 60_000 };

/**
 * There was no connection to the API, so it got nothing of the request. The last two: a proxy on the way let no
 * connection through.
 */
const NOT_CONNECTED = new Set(
  (
    'ECONNREFUSED ENOENT EHOSTDOWN EHOSTUNREACH ENETUNREACH ENOTFOUND EAI_AGAIN UND_ERR_CONNECT_TIMEOUT ' +
    'UND_ERR_ABORTED UND_ERR_PRX_TLS'
  ).split(' '),
);

/** The status of `authentication_error`. */
const KEY_REFUSED = 401;
const KEY_CHECK_MS = 30_000;
/** How much of the answer is read. */
const KEY_ANSWER_CHARS_MAX = 10_000;

/** The API gave no answer that can be forwarded. `may_cost`: it may have worked on the request all the same. */
export class UpstreamFailure extends ErrandError {
  readonly may_cost: boolean;

  constructor(message: string, may_cost: boolean, cause: unknown) {
    super('upstream_unreachable', message, { cause });
    this.may_cost = may_cost;
  }
}

/**
 * A client of the Claude API that keeps connections open. It never follows redirects: the key is sent to this host
 * only.
 */
export class ClaudeApi {
  readonly #upstream: Upstream;
  readonly #onKeyRefused: () => void;
  readonly #agent: OutgoingAgent;

  constructor(
    upstream: Upstream,
    { connect_ms, head_ms, idle_ms }: Omit<Timeouts, 'linger_ms'>,
    proxy: OutgoingProxy = NO_PROXY,
    onKeyRefused: () => void = () => undefined,
  ) {
    this.#upstream = upstream;
    this.#onKeyRefused = onKeyRefused;
    const timeouts = { connect: { timeout: connect_ms }, headersTimeout: head_ms, bodyTimeout: idle_ms };
    this.#agent = new OutgoingAgent(proxy, timeouts);
  }

  /**
   * Sends a request and resolves with the answer, whatever its status. Rejects with an `UpstreamFailure` where there
   * is no answer or it cannot be forwarded, and with the signal's reason once that aborts.
   */
  async post(
    route: string,
    body: Buffer,
    sent_headers: IncomingHttpHeaders,
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData> {
    const { base_url, api_key } = this.#upstream;
    const { origin, pathname, search } = new URL(base_url + route);
    const headers = requestHeaders(sent_headers, api_key);
    const options = { origin, path: pathname + search, method: 'POST', headers, body, signal } as const;
    const answer = await this.#agent.request(options).catch((cause: unknown) => {
      if (signal.aborted) throw cause;
      throw new UpstreamFailure(
        'The Claude API could not be reached.',
        !NOT_CONNECTED.has(errorCode(cause) ?? ''),
        cause,
      );
    });
    if (answer.statusCode === KEY_REFUSED) this.#onKeyRefused();
    const encoding = answer.headers['content-encoding'] ?? 'identity';
    const redirected = answer.statusCode >= 300 && answer.statusCode < 400;
    if (encoding === 'identity' && !redirected) return answer;
    answer.body.once('error', () => undefined).destroy();
    const cause = new Error(`status ${answer.statusCode}, content-encoding ${encoding.toString()}`);
    throw new UpstreamFailure(
      'The Claude API sent an answer that cannot be forwarded.',
      answer.statusCode < 300,
      cause,
    );
  }

  /** Whether the API takes the key; undefined: its answer does not say. Rejects without an answer in half a minute. */
  async acceptsKey(closed: AbortSignal): Promise<boolean | undefined> {
    const { status } = await this.#askForModels(AbortSignal.any([closed, AbortSignal.timeout(KEY_CHECK_MS)]));
    return keyVerdict(status);
  }

  /**
   * Asks once, before any errand does, whether the key is refused; it costs nothing. Only the API's own answer for a
   * wrong key counts: a gateway may refuse this route, with whatever status, and forward the others. Never rejects.
   */
  async tryKey(): Promise<void> {
    const answer = await this.#askForModels(AbortSignal.timeout(KEY_CHECK_MS)).catch(() => undefined);
    if (answer?.status === KEY_REFUSED && answer.says_key) this.#onKeyRefused();
  }

  /** Sends a request that costs nothing. `says_key`: the answer is the API's own for a wrong key. */
  async #askForModels(signal: AbortSignal): Promise<{ status: number; says_key: boolean }> {
    const { base_url, api_key } = this.#upstream;
    const { origin, pathname } = new URL(`${base_url}/v1/models`);
    const headers = requestHeaders({}, api_key);
    const options = { origin, path: `${pathname}?limit=1`, method: 'GET', headers, signal } as const;
    const { statusCode: status, body } = await this.#agent.request(options);
    let text = '';
    for await (const chunk of body) {
      text += String(chunk);
      if (text.length > KEY_ANSWER_CHARS_MAX) break;
    }
    return { status, says_key: /"type"\s*:\s*"authentication_error"/.test(text) };
  }

  /** Closes all connections, and ends the requests in progress. */
  close(): Promise<void> {
    return this.#agent.destroy();
  }
}
