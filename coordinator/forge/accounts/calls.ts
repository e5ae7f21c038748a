import type { z } from 'zod';
import { LIMITS } from '../../../protocol/limits.ts';
import { ErrandError } from '../../../protocol/problem.ts';
import { addressGuard, type AddressGuard, type Resolve } from '../../base/address-guard.ts';
import type { Config } from '../../base/config.ts';
import { guardedConnector, refusePrivate } from '../../base/guarded-connector.ts';
import { hasProxy, OutgoingAgent } from '../../base/outgoing.ts';

type Sent = { method: 'GET' | 'POST'; headers?: Record<string, string>; body?: string };

/**
 * Requests to forges and identity providers for sign-in: only to public hosts, or those that the owner lists, without
 * redirects, and with bounds on time and size.
 */
export class Calls {
  readonly #guard: AddressGuard;
  readonly #has_proxy: boolean;
  readonly #agent: OutgoingAgent;

  constructor({ private_hosts, proxy }: Pick<Config, 'private_hosts' | 'proxy'>, resolve?: Resolve) {
    this.#guard = addressGuard(private_hosts, resolve);
    this.#has_proxy = hasProxy(proxy);
    this.#agent = new OutgoingAgent(proxy, {
      connect: guardedConnector(this.#guard, LIMITS.sign_in_answer_ms),
      allowH2: false,
    });
  }

  /** Sends form fields and reads the JSON answer, whatever its status. Rejects with `upstream_unreachable`. */
  async form<T>(schema: z.ZodType<T>, url: URL, fields: Record<string, string | undefined>): Promise<T> {
    const given = Object.entries(fields).filter((entry): entry is [string, string] => entry[1] !== undefined);
    const headers = { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' };
    const { text } = await this.#send(url, {
      method: 'POST',
      headers,
      body: new URLSearchParams(given).toString(),
    });
    return readJson(schema, text, url);
  }

  /** Calls a forge's API. Undefined: it answered with another status than 2xx. Rejects with `upstream_unreachable`. */
  async api<T>(
    schema: z.ZodType<T>,
    url: URL,
    { token, method = 'GET' }: { token?: string; method?: Sent['method'] },
  ): Promise<T | undefined> {
    const headers = {
      accept: 'application/json',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    };
    const { status, text } = await this.#send(url, { method, headers });
    if (status < 200 || status > 299) return undefined;
    return readJson(schema, text === '' ? 'null' : text, url);
  }

  /** `fetch`, for libraries. */
  readonly fetch = async (
    address: string,
    { method, headers, body }: { method: string; headers: Record<string, string>; body?: unknown },
  ): Promise<Response> => {
    const sent = typeof body === 'string' ? body : body instanceof URLSearchParams ? body.toString() : undefined;
    const url = new URL(address);
    const answer = await this.#send(url, {
      method: method === 'POST' ? 'POST' : 'GET',
      headers,
      ...(sent !== undefined && { body: sent }),
    });
    return new Response(answer.text, { status: answer.status, headers: { 'content-type': answer.type } });
  };

  close(): Promise<void> {
    return this.#agent.destroy();
  }

  async #send(url: URL, { method, headers = {}, body }: Sent): Promise<{ status: number; type: string; text: string }> {
    const signal = AbortSignal.timeout(LIMITS.sign_in_answer_ms);
    try {
      if (this.#has_proxy) await refusePrivate(this.#guard, url);
      const response = await this.#agent.request({
        origin: url.origin,
        path: url.pathname + url.search,
        method,
        headers: { ...headers, 'user-agent': 'Errand' },
        body: body ?? null,
        signal,
      });
      const type = String(response.headers['content-type'] ?? '');
      return { status: response.statusCode, type, text: await readBounded(response.body) };
    } catch (cause) {
      const why = cause instanceof Error && cause.name === 'AddressError' ? ` ${cause.message}` : '';
      throw new ErrandError('upstream_unreachable', `${url.host} could not be reached.${why}`, { cause });
    }
  }
}

async function readBounded(body: AsyncIterable<Buffer>): Promise<string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of body) {
    bytes += piece.length;
    if (bytes > LIMITS.sign_in_answer_bytes_max) throw new Error('The answer is too large.');
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}

/** The answer is in no error: it may have tokens in it. */
function readJson<T>(schema: z.ZodType<T>, text: string, { host }: URL): T {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    json = undefined;
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new ErrandError('upstream_unreachable', `${host} answered with something that is not understood.`);
}
