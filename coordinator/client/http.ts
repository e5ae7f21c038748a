import type { z } from 'zod';
import { EPOCH_HEADER } from '../../protocol/api.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { Problem } from '../../protocol/problem-document.ts';
import type { Route } from '../../protocol/route.ts';
import { ROUTES, type RouteName } from '../../protocol/routes.ts';
import { Failure, Intercepted, Refusal, Unreachable } from './errors.ts';
import { isRedirect, redirected, serverOf } from './redirect.ts';
import { Silence } from './silence.ts';

type Routes = typeof ROUTES;
type Given<R, K extends string> = R extends { [P in K]: infer S extends z.ZodType }
  ? undefined extends z.input<S>
    ? { [P in K]?: z.input<S> }
    : { [P in K]: z.input<S> }
  : object;
type Query<R> = R extends { query: infer S extends z.ZodType }
  ? { query?: { [K in keyof z.output<S>]?: string | number | undefined } }
  : object;
/** The input of a route. */
export type RequestOf<N extends RouteName> = Given<Routes[N], 'params'> & Query<Routes[N]> & Given<Routes[N], 'body'>;
/** The response of a route. */
export type ResponseOf<N extends RouteName> = Routes[N] extends { response: infer S extends z.ZodType }
  ? z.output<S>
  : undefined;

export type CallOptions = {
  /** A key of the caller, for requests that are made again: the server does what they ask for once. */
  idempotency_key?: string;
  /** It is sent once: the caller makes it again. */
  once?: boolean;
  /** Aborts the call. It is sent once: whoever sets it connects again, and calls anew. */
  signal?: AbortSignal | undefined;
};

type Sent = { params?: Record<string, string>; query?: Record<string, string | number | undefined>; body?: unknown };
type Headers = {
  token?: string | undefined;
  idempotency_key?: string | undefined;
  /** Browsers ignore it. */
  user_agent?: string | undefined;
};
/** What an answer says beside its body: the database's epoch, and the server's address after redirects. */
type Answered = { epoch: string | null; server: string };

/** How long nothing may come of an answer: a slow line is given the time that it needs. */
const ANSWER_MS = 30_000;
const ANSWER_MS_MAX = 10 * 60_000;
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

/**
 * Sends one request of the public API. Rejects with `Refusal` for a problem document, with `Unreachable` if a retry
 * may succeed, with `Intercepted` if a proxy seems to want a log-in of its own, and with another `Failure` if the
 * answer is not one of Errand's, or a redirect that is not followed.
 */
export async function send<N extends RouteName>(
  server: string,
  name: N,
  request: RequestOf<N>,
  headers: Headers,
  signal: AbortSignal,
  onAnswer: (answered: Answered) => void = () => undefined,
): Promise<ResponseOf<N>> {
  const route: Route = ROUTES[name];
  const { params = {}, query = {}, body }: Sent = request;
  const path = route.path.replace(/:(\w+)/g, (_, key: string) => encodeURIComponent(params[key] ?? ''));
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) if (value !== undefined) search.append(key, String(value));
  const { status, type, text, retry_after_s, epoch, url } = await exchange(
    new URL(`${server}${path}${search.size > 0 ? `?${search.toString()}` : ''}`),
    path,
    {
      method: route.method.toUpperCase(),
      headers: {
        ...(headers.token !== undefined && { authorization: `Bearer ${headers.token}` }),
        ...(headers.idempotency_key !== undefined && { 'idempotency-key': headers.idempotency_key }),
        ...(headers.user_agent !== undefined && { 'user-agent': headers.user_agent }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: new TextEncoder().encode(JSON.stringify(body)) }),
    },
    signal,
  );
  onAnswer({ epoch, server: serverOf(url, path) });
  if (status === route.status && !type.startsWith('text/html')) return readAnswer(server, route, text) as ResponseOf<N>;
  const problem = type.startsWith('application/problem+json') ? Problem.safeParse(json(text)).data : undefined;
  // A proxy says with any status above 500, such as 530, that it does not reach the server.
  if (problem?.code === 'unavailable' || (!problem && (status === 429 || status >= 500)))
    throw new Unreachable(problem?.detail ?? `The server is not available now (${status}).`, {
      retry_after_s,
      errors: problem?.errors,
    });
  if (problem) throw new Refusal(problem, retry_after_s);
  const words = `${server} answered with ${status}: it is not an Errand server, or a proxy in front of it answered.`;
  throw isLogIn(status) ? new Intercepted(words) : new Failure(words);
}

/** Whether an answer that is not Errand's may be the log-in of a proxy: a page, or a refusal of who asks. */
function isLogIn(status: number): boolean {
  return status < 300 || [401, 403, 407, 511].includes(status);
}

/**
 * Sends a request, and again where a redirect may be followed. `path`: that of the request below the server's.
 * `answer_ms`: how long it waits for the answer, beside the time that its body takes on a slow line, and then for each
 * piece of it.
 */
export async function exchange(
  to: URL,
  path: string,
  init: RequestInit & { method: string; body?: Uint8Array<ArrayBuffer> },
  signal: AbortSignal,
  answer_ms = ANSWER_MS,
) {
  const { method, body } = init;
  // Nothing tells how much of it has gone.
  const body_ms = (1000 * (body?.byteLength ?? 0)) / LIMITS.request_bytes_per_s_min;
  const silence = new Silence(answer_ms);
  const until = AbortSignal.any([signal, silence.over]);
  let url = to;
  try {
    for (let before = 0; ; before++) {
      silence.break(body_ms);
      const response = await fetch(url, { ...init, redirect: 'manual', signal: until });
      silence.break();
      const { status, headers } = response;
      // Browsers hide where it goes.
      if (response.type === 'opaqueredirect')
        throw new Intercepted(
          `${url.origin} redirects: a proxy in front of the server may ask for a log-in of its own.`,
        );
      if (!isRedirect(status)) return { url, status, text: await readText(response, silence), ...readHeaders(headers) };
      await response.body?.cancel();
      url = redirected({ from: url, status, location: headers.get('location'), method, path, before });
    }
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof Failure) throw error;
    throw new Unreachable(`${url.origin} does not answer: ${reason(error, answer_ms + body_ms)}.`, { cause: error });
  } finally {
    silence.end();
  }
}

function readHeaders(headers: Response['headers']) {
  return {
    type: headers.get('content-type') ?? '',
    retry_after_s: readRetryAfter(headers.get('retry-after')),
    epoch: headers.get(EPOCH_HEADER),
  };
}

/** The header is a number of seconds or a date. */
function readRetryAfter(text: string | null): number | undefined {
  const seconds = text === null || text.trim() === '' ? Number.NaN : Number(text);
  const after_s = Number.isNaN(seconds) ? (Date.parse(text ?? '') - Date.now()) / 1000 : seconds;
  return Number.isFinite(after_s) ? Math.max(0, Math.ceil(after_s)) : undefined;
}

/** Safari cannot iterate over a stream, so a reader takes its pieces. */
async function readText({ body }: Response, silence: Silence): Promise<string> {
  const end_ms = Date.now() + ANSWER_MS_MAX;
  const reader = body?.getReader();
  const decoder = new TextDecoder();
  let [text, bytes] = ['', 0];
  for (let piece = await reader?.read(); piece?.value; piece = await reader?.read()) {
    silence.break();
    if (Date.now() > end_ms) throw new Failure('The answer comes too slowly.');
    bytes += piece.value.byteLength;
    if (bytes > ANSWER_BYTES_MAX) throw new Failure('The answer is too large.');
    text += decoder.decode(piece.value, { stream: true });
  }
  return text + decoder.decode();
}

function readAnswer(server: string, route: Route, text: string): unknown {
  if (!route.response) return undefined;
  const parsed = route.response.safeParse(json(text));
  if (parsed.success) return parsed.data;
  throw new Failure(`The answer of ${server} is not valid: it is not an Errand server, or one of another version.`, {
    cause: parsed.error,
  });
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const CAUSES: Record<string, string> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'no name server answers',
  ECONNRESET: 'the connection was cut',
  // The command line gives its requests up then.
  UND_ERR_DESTROYED: 'the proxy closes the connection',
};

/** Why a connection failed, as text for a person. */
export function reason(error: unknown, answer_ms = ANSWER_MS): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return `no answer within ${Math.round(answer_ms / 1000)} seconds`;
  // A host with several addresses fails with one error per address, and no message of its own.
  const inner = error.cause ?? (error instanceof AggregateError ? error.errors[0] : undefined);
  if (inner !== undefined) return reason(inner, answer_ms);
  const known = 'code' in error && CAUSES[String(error.code)];
  // The message of a fault of TLS is for the developers of its library.
  return known || ('reason' in error && String(error.reason)) || error.message;
}
