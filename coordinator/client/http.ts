import type { z } from 'zod';
import { EPOCH_HEADER } from '../../protocol/api.ts';
import { Problem } from '../../protocol/problem-document.ts';
import type { Route } from '../../protocol/route.ts';
import { ROUTES, type RouteName } from '../../protocol/routes.ts';
import { Failure, Refusal, Unreachable } from './errors.ts';

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

type Sent = { params?: Record<string, string>; query?: Record<string, string | number | undefined>; body?: unknown };
type Headers = {
  token?: string | undefined;
  idempotency_key?: string | undefined;
  /** Browsers ignore it. */
  user_agent?: string | undefined;
};
/** Called with the database's epoch if the answer names it. */
type OnEpoch = (epoch: string) => void;

const ANSWER_MS = 30_000;
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

/**
 * Sends one request of the public API. Rejects with `Refusal` for a problem document, with `Unreachable` if a retry may
 * succeed, and with `Failure` if the answer is not one of Errand's.
 */
export async function send<N extends RouteName>(
  server: string,
  name: N,
  request: RequestOf<N>,
  headers: Headers,
  signal: AbortSignal,
  onEpoch: OnEpoch = () => undefined,
): Promise<ResponseOf<N>> {
  const route: Route = ROUTES[name];
  const { params = {}, query = {}, body }: Sent = request;
  const path = route.path.replace(/:(\w+)/g, (_, key: string) => encodeURIComponent(params[key] ?? ''));
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) if (value !== undefined) search.append(key, String(value));
  const { status, type, text, retry_after_s, epoch } = await exchange(
    `${server}${path}${search.size > 0 ? `?${search.toString()}` : ''}`,
    {
      method: route.method.toUpperCase(),
      redirect: 'error',
      headers: {
        ...(headers.token !== undefined && { authorization: `Bearer ${headers.token}` }),
        ...(headers.idempotency_key !== undefined && { 'idempotency-key': headers.idempotency_key }),
        ...(headers.user_agent !== undefined && { 'user-agent': headers.user_agent }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    },
    signal,
  );
  if (epoch !== null) onEpoch(epoch);
  if (status === route.status) return readAnswer(server, route, text) as ResponseOf<N>;
  const problem = type.startsWith('application/problem+json') ? Problem.safeParse(json(text)).data : undefined;
  if (problem?.code === 'unavailable' || (!problem && (status === 502 || status === 503)))
    throw new Unreachable(problem?.detail ?? `The server is not available now (${status}).`, { retry_after_s });
  if (problem) throw new Refusal(problem);
  throw new Failure(
    `${server} answered with ${status}: it is not an Errand server, or a proxy in front of it answered.`,
  );
}

async function exchange(url: string, init: RequestInit, signal: AbortSignal) {
  try {
    const response = await fetch(url, { ...init, signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]) });
    const text = await readText(response);
    const retry_after = Number(response.headers.get('retry-after') ?? Number.NaN);
    return {
      status: response.status,
      type: response.headers.get('content-type') ?? '',
      text,
      retry_after_s: Number.isFinite(retry_after) ? retry_after : undefined,
      epoch: response.headers.get(EPOCH_HEADER),
    };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof Failure) throw error;
    throw new Unreachable(`${new URL(url).origin} does not answer: ${reason(error)}.`, { cause: error });
  }
}

/** Safari cannot iterate over a stream, so a reader takes its pieces. */
async function readText({ body }: Response): Promise<string> {
  const reader = body?.getReader();
  const decoder = new TextDecoder();
  let [text, bytes] = ['', 0];
  for (let piece = await reader?.read(); piece?.value; piece = await reader?.read()) {
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
  ECONNRESET: 'the connection was cut',
};

/** Why a connection failed, as text for a person. */
export function reason(error: unknown, answer_ms = ANSWER_MS): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return `no answer within ${answer_ms / 1000} seconds`;
  // A host with several addresses fails with one error per address, and no message of its own.
  const inner = error.cause ?? (error instanceof AggregateError ? error.errors[0] : undefined);
  if (inner !== undefined) return reason(inner, answer_ms);
  return ('code' in error && CAUSES[String(error.code)]) || error.message;
}
