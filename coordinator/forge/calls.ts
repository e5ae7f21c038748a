import type { z } from 'zod';
import { LIMITS } from '../../protocol/limits.ts';
import { ErrandError } from '../../protocol/problem.ts';
import { answerError } from './answer-error.ts';
import { ForgeApiError } from './forge-api-error.ts';
import type { AnswerLimits, ForgeAnswer, ForgeHttp, ForgeRequest } from './forge-http.ts';

/** These answers are small: larger ones would take long to read. */
const CALL_LIMITS: AnswerLimits = { ms: LIMITS.forge_answer_ms, bytes_max: LIMITS.forge_call_bytes_max };

/** What sign-in and apps ask of forges and identity providers. Redirects are not followed. */
export class Calls {
  readonly #http: ForgeHttp;

  constructor(http: ForgeHttp) {
    this.#http = http;
  }

  /** Sends form fields and reads the JSON answer, whatever its status. Rejects with `upstream_unreachable`. */
  async form<T>(schema: z.ZodType<T>, url: URL, fields: Record<string, string | undefined>): Promise<T> {
    const given = Object.entries(fields).filter((entry): entry is [string, string] => entry[1] !== undefined);
    const headers = { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' };
    const { body } = await this.#send({ method: 'POST', url, headers, body: new URLSearchParams(given).toString() });
    return readJson(schema, body.toString('utf8'), url);
  }

  /**
   * Calls a forge's API. Undefined: it refused. Rejects with `upstream_unreachable`, also if it fails or limits its
   * callers.
   */
  async api<T>(
    schema: z.ZodType<T>,
    url: URL,
    { token, method = 'GET' }: { token?: string; method?: ForgeRequest['method'] },
  ): Promise<T | undefined> {
    const headers = { accept: 'application/json', ...(token !== undefined && { authorization: `Bearer ${token}` }) };
    const answer = await this.#send({ method, url, headers });
    const { status } = answer;
    const { fault, message } = answerError(url.host, answer, token ?? '');
    if (status >= 500 || fault === 'rate_limited') throw new ErrandError('upstream_unreachable', message);
    if (status < 200 || status > 299) return undefined;
    return readJson(schema, textOf(answer), url);
  }

  /**
   * Calls a forge's API, and follows a repository that was renamed. Undefined: there is no such thing. Rejects with
   * `ForgeApiError` for every other answer that is none of success.
   */
  async find<T>(
    schema: z.ZodType<T>,
    url: URL,
    { token, body: sent, method = 'GET' }: { token: string; body?: object; method?: ForgeRequest['method'] },
  ): Promise<T | undefined> {
    const headers = { accept: 'application/json', authorization: `Bearer ${token}` };
    const request = { method, url, headers, body: sent && JSON.stringify(sent) };
    const answer = await this.#http.send(request, CALL_LIMITS);
    if (answer.status === 404) return undefined;
    if (answer.status < 200 || answer.status > 299) throw answerError(url.host, answer, token);
    return readJson(schema, textOf(answer), url);
  }

  /** Removes something in the name of the app itself. Rejects with `ForgeApiError` if it is not removed. */
  async removeAs(
    { client_id, client_secret }: { client_id: string; client_secret: string },
    url: URL,
    sent: object,
  ): Promise<void> {
    const basic = Buffer.from(`${client_id}:${client_secret}`).toString('base64');
    const headers = { accept: 'application/json', authorization: `Basic ${basic}` };
    const request = { method: 'DELETE' as const, url, headers, body: JSON.stringify(sent) };
    const answer = await this.#http.send(request, CALL_LIMITS);
    if (answer.status < 200 || answer.status > 299) throw answerError(url.host, answer, client_secret);
  }

  /** `fetch`, for a library. */
  readonly fetch = async (
    address: string,
    { method, headers, body }: { method: string; headers: Record<string, string>; body?: unknown },
  ): Promise<Response> => {
    const sent = typeof body === 'string' ? body : body instanceof URLSearchParams ? body.toString() : undefined;
    const answer = await this.#send({
      method: method === 'POST' ? 'POST' : 'GET',
      url: new URL(address),
      headers,
      body: sent,
    });
    const type = answer.headers['content-type'];
    return new Response(new Uint8Array(answer.body), {
      status: answer.status,
      headers: type === undefined ? {} : { 'content-type': type },
    });
  };

  async #send(request: ForgeRequest) {
    try {
      return await this.#http.sendOnce(request, CALL_LIMITS);
    } catch (cause) {
      const text =
        cause instanceof ForgeApiError ? cause.message : `${request.url.host} could not be reached: try again later.`;
      throw new ErrandError('upstream_unreachable', text, { cause });
    }
  }
}

/** An answer without a body is null. */
function textOf({ body }: ForgeAnswer): string {
  return body.length === 0 ? 'null' : body.toString('utf8');
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
