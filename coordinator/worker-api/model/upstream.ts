import type { IncomingHttpHeaders } from 'node:http';
import { Agent, request, type Dispatcher } from 'undici';
import { ErrandError } from '../../../protocol/problem.ts';
import { requestHeaders } from './headers.ts';

/** Where the Claude API is, and whose key pays for it. */
export type Upstream = { base_url: string; api_key: string };

/** How long to wait for a connection, for the head of an answer, and for its next byte, in milliseconds. */
export type Timeouts = { connect_ms: number; head_ms: number; idle_ms: number };
/** An answer that is not streamed may be thought about for ten minutes. A stream that is alive says so with pings. */
export const TIMEOUTS: Timeouts = { connect_ms: 10_000, head_ms: 600_000, idle_ms: 300_000 };

/** The Claude API, over connections that are kept. Redirects are not followed: the key goes to this one host. */
export class ClaudeApi {
  readonly #upstream: Upstream;
  readonly #agent: Agent;

  constructor(upstream: Upstream, { connect_ms, head_ms, idle_ms }: Timeouts) {
    this.#upstream = upstream;
    this.#agent = new Agent({ connect: { timeout: connect_ms }, headersTimeout: head_ms, bodyTimeout: idle_ms });
  }

  /** Sends a request and gives the answer, whatever its status. Throws 502 where there is none that can be carried on, and the signal's own reason
   * where it aborts. */
  async post(
    route: string,
    body: Buffer,
    given: IncomingHttpHeaders,
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData> {
    const { base_url, api_key } = this.#upstream;
    const options = { method: 'POST', body, signal, dispatcher: this.#agent } as const;
    const headers = requestHeaders(given, api_key);
    const answer = await request(base_url + route, { ...options, headers }).catch((cause: unknown) => {
      if (signal.aborted) throw cause;
      throw new ErrandError('upstream_unreachable', 'The Claude API could not be reached.', { cause });
    });
    const encoding = answer.headers['content-encoding'] ?? 'identity';
    const redirected = answer.statusCode >= 300 && answer.statusCode < 400;
    if (encoding === 'identity' && !redirected) return answer;
    answer.body.destroy();
    throw new ErrandError('upstream_unreachable', 'The Claude API answered in a way that cannot be carried on.', {
      cause: new Error(`status ${answer.statusCode}, content-encoding ${encoding.toString()}`),
    });
  }

  /** Ends all connections, and with them what is under way. */
  close(): Promise<void> {
    return this.#agent.destroy();
  }
}
