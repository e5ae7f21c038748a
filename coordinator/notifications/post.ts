import { LIMITS } from '../../protocol/limits.ts';
import { AddressError, addressGuard, type AddressGuard, type AskOwnAddresses } from '../base/address-guard.ts';
import { guardedConnector, refusePrivate } from '../base/guarded-connector.ts';
import { hasProxy, OutgoingAgent, type OutgoingProxy } from '../base/outgoing.ts';
import { readStart } from '../base/read-start.ts';
import { tlsHint } from '../base/tls-hint.ts';
import type { Outgoing } from './requests.ts';
import { errorCode } from '../base/error-code.ts';

/** What the other side answered. `status` null: nothing. `detail`: for people. `retry_after_s`: as it asked. */
export type Answer = { status: number | null; detail: string; retry_after_s?: number | undefined; retry: boolean };

const RETRY_STATUS = new Set([408, 425, 429]);
const DETAIL_CHARS_MAX = 200;

/**
 * Posts to addresses that people chose: only to public hosts, or those that the owner lists, and it follows no
 * redirect. Time and size of the answer are bounded.
 */
export class Poster {
  readonly guard: AddressGuard;
  readonly #agent: OutgoingAgent;
  readonly #has_proxy: boolean;

  constructor(private_hosts: string[], proxy: OutgoingProxy, ownAddresses?: AskOwnAddresses) {
    this.guard = addressGuard(private_hosts, undefined, { ownAddresses });
    this.#has_proxy = hasProxy(proxy);
    this.#agent = new OutgoingAgent(proxy, {
      connect: guardedConnector(this.guard, LIMITS.notification_answer_ms),
      allowH2: false,
      maxHeaderSize: LIMITS.notification_answer_bytes_max * 4,
    });
  }

  /** Sends one request. Never rejects: a failure is an answer too. */
  async post({ url, headers, body }: Outgoing, stopped: AbortSignal): Promise<Answer> {
    const signal = AbortSignal.any([stopped, AbortSignal.timeout(LIMITS.notification_answer_ms)]);
    try {
      if (this.#has_proxy) await refusePrivate(this.guard, url);
      const response = await this.#agent.request({
        origin: url.origin,
        path: url.pathname + url.search,
        method: 'POST',
        headers: { ...headers, 'user-agent': 'Errand' },
        body,
        signal,
      });
      const { statusCode: status } = response;
      const retry = RETRY_STATUS.has(status) || status >= 500;
      const retry_after_s = retryAfter(response.headers['retry-after']);
      return { status, detail: await startOf(response.body), retry_after_s, retry };
    } catch (error) {
      if (error instanceof AddressError)
        return { status: null, detail: error.message, retry: error.fault !== 'private_address' };
      return { status: null, detail: faultOf(error, url), retry: true };
    }
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }
}

/** The header is a number of seconds or a date. */
function retryAfter(header: string | string[] | undefined): number | undefined {
  const text = String(header ?? '').trim();
  if (text === '') return undefined;
  const seconds = /^\d+$/.test(text) ? Number(text) : (Date.parse(text) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, seconds) : undefined;
}

/** The start of an answer, as one line. */
async function startOf(body: AsyncIterable<Buffer>): Promise<string> {
  const text = await readStart(body, LIMITS.notification_answer_bytes_max);
  return text
    .replace(/[\p{C}\s]+/gu, ' ')
    .trim()
    .slice(0, DETAIL_CHARS_MAX);
}

function faultOf(error: unknown, { host }: URL): string {
  if (error instanceof Error && error.name === 'TimeoutError')
    return `${host} did not answer within ${LIMITS.notification_answer_ms / 1000} seconds.`;
  const code = errorCode(error) ?? 'no connection';
  return `${host} could not be reached: ${code}.${tlsHint(code)}`;
}
