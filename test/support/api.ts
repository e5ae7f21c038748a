import { isDeepStrictEqual } from 'node:util';
import type { RequestOf, ResponseOf } from '../../coordinator/client/http.ts';
import type { ErrorCode } from '../../protocol/problem.ts';
import { ERROR_STATUS, Problem } from '../../protocol/problem-document.ts';
import type { Route } from '../../protocol/route.ts';
import { ROUTES, type RouteName } from '../../protocol/routes.ts';

/** The input of a route, by its schemas. */
export type Request<N extends RouteName> = RequestOf<N> & { headers?: Record<string, string> };
type ResponseBody<N extends RouteName> = (typeof ROUTES)[N] extends { media_type: string } ? string : ResponseOf<N>;

/** A request that need not match the schemas. */
export type UncheckedRequest = {
  params?: { id?: string; event_id?: string; message_id?: string; need_id?: string };
  query?: Record<string, string | number | undefined>;
  body?: unknown;
  headers?: Record<string, string>;
};

/** Error codes that every route may return without declaring them. */
const COMMON: ErrorCode[] = [
  'invalid',
  'unauthenticated',
  'forbidden',
  'rate_limited',
  'too_large',
  'unsupported_media_type',
  'internal',
];

/** A client of the public API that checks each response against the route's schema. An undeclared field is an error. */
export class Api {
  readonly url: string;
  token: string | undefined;
  /** The routes that have returned a successful response. */
  readonly answered = new Set<RouteName>();

  constructor(url: string, token?: string) {
    this.url = url;
    this.token = token;
  }

  /** Calls a route. Throws if the response is an error, or not what the route declares. */
  async call<N extends RouteName>(name: N, request: Request<N>): Promise<ResponseBody<N>> {
    const route: Route = ROUTES[name];
    const response = await this.send(name, request);
    const text = await response.text();
    if (response.status !== route.status) throw new Error(`${name} returned ${response.status}: ${text}`);
    this.answered.add(name);
    if (route.media_type !== undefined) return text as ResponseBody<N>;
    if (!route.response) return (text === '' ? undefined : JSON.parse(text)) as ResponseBody<N>;
    const json: unknown = JSON.parse(text);
    const parsed = route.response.parse(json);
    if (!isDeepStrictEqual(parsed, json)) throw new Error(`${name} returned undeclared fields: ${text}`);
    return parsed as ResponseBody<N>;
  }

  /**
   * Calls a route that must fail, and returns the problem document. Throws if its code is not declared by the route.
   */
  async refused(name: RouteName, request: UncheckedRequest): Promise<Problem & { headers: Headers }> {
    const route: Route = ROUTES[name];
    const response = await this.send(name, request);
    const problem = await readProblem(response);
    if (![...COMMON, ...route.errors].includes(problem.code))
      throw new Error(`${name} returned ${problem.code}, which it does not declare`);
    return { ...problem, headers: response.headers };
  }

  send(name: RouteName, { params = {}, query = {}, body, headers = {} }: UncheckedRequest): Promise<Response> {
    const { method, path }: Route = ROUTES[name];
    const filled = path.replace(/:(\w+)/g, (_, name: keyof typeof params) => encodeURIComponent(params[name] ?? ''));
    const search = new URLSearchParams();
    for (const [key, value] of Object.entries(query)) if (value !== undefined) search.append(key, String(value));
    return fetch(this.url + filled + (search.size > 0 ? `?${search.toString()}` : ''), {
      method: method.toUpperCase(),
      headers: {
        ...(this.token !== undefined && { authorization: `Bearer ${this.token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  }
}

/** The problem document of a response. Throws if it is not one, or if its status or request id does not match. */
export async function readProblem(response: Response): Promise<Problem> {
  const text = await response.text();
  const type = response.headers.get('content-type') ?? '';
  if (!type.startsWith('application/problem+json'))
    throw new Error(`${response.status} with ${type}, not a problem document: ${text}`);
  const problem = Problem.parse(JSON.parse(text));
  if (response.status !== ERROR_STATUS[problem.code] || problem.request_id !== response.headers.get('x-request-id'))
    throw new Error(`The status or the request id does not match the problem document: ${text}`);
  return problem;
}
