import { isDeepStrictEqual } from 'node:util';
import type { z } from 'zod';
import { ERROR_STATUS, Problem, type ErrorCode } from '../../protocol/problem.ts';
import type { Route } from '../../protocol/route.ts';
import { ROUTES, type RouteName } from '../../protocol/routes.ts';

type Routes = typeof ROUTES;
type Given<R, K extends string> = R extends { [P in K]: infer S extends z.ZodType }
  ? undefined extends z.input<S>
    ? { [P in K]?: z.input<S> }
    : { [P in K]: z.input<S> }
  : object;
type Optional<R, K extends string> = R extends { [P in K]: infer S extends z.ZodType }
  ? { [P in K]?: Partial<Record<keyof z.output<S>, string | number>> }
  : object;
/** What a route is called with, by its schemas. */
export type Request<N extends RouteName> = Given<Routes[N], 'params'> &
  Optional<Routes[N], 'query'> &
  Given<Routes[N], 'body'> & { headers?: Record<string, string> };
type Answer<N extends RouteName> = Routes[N] extends { response: infer S extends z.ZodType }
  ? z.output<S>
  : Routes[N] extends { media_type: string }
    ? string
    : undefined;

/** What is sent where a test breaks the schemas. */
export type Loose = {
  params?: { id?: string };
  query?: Record<string, string | number>;
  body?: unknown;
  headers?: Record<string, string>;
};

/** Codes that any route may answer without naming them. */
const COMMON: ErrorCode[] = ['invalid', 'unauthenticated', 'too_large', 'unsupported_media_type', 'internal'];

/** A client of the public API that holds each answer against the route's schema, to the letter: a field that is not declared is an error. */
export class Api {
  readonly url: string;
  token: string | undefined;
  /** The routes that have answered well. */
  readonly answered = new Set<RouteName>();

  constructor(url: string, token?: string) {
    this.url = url;
    this.token = token;
  }

  /** The answer of a route; throws where it is a refusal, or not what the route declares. */
  async call<N extends RouteName>(name: N, request: Request<N>): Promise<Answer<N>> {
    const route: Route = ROUTES[name];
    const response = await this.send(name, request);
    const text = await response.text();
    if (response.status !== route.status) throw new Error(`${name} answered ${response.status}: ${text}`);
    this.answered.add(name);
    if (route.media_type !== undefined) return text as Answer<N>;
    if (!route.response) return (text === '' ? undefined : JSON.parse(text)) as Answer<N>;
    const json: unknown = JSON.parse(text);
    const parsed = route.response.parse(json);
    if (!isDeepStrictEqual(parsed, json)) throw new Error(`${name} answered more than it declares: ${text}`);
    return parsed as Answer<N>;
  }

  /** The problem document of a call that must be refused with one of the codes that its route declares. */
  async refused(name: RouteName, request: Loose): Promise<Problem & { headers: Headers }> {
    const route: Route = ROUTES[name];
    const response = await this.send(name, request);
    const problem = await readProblem(response);
    if (![...COMMON, ...route.errors].includes(problem.code))
      throw new Error(`${name} answered ${problem.code}, which it does not declare`);
    return { ...problem, headers: response.headers };
  }

  send(name: RouteName, { params = {}, query = {}, body, headers = {} }: Loose): Promise<Response> {
    const { method, path }: Route = ROUTES[name];
    const filled = path.replace(':id', encodeURIComponent(params.id ?? ''));
    const search = new URLSearchParams();
    for (const [key, value] of Object.entries(query)) search.append(key, String(value));
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

/** The problem document of a response; throws where it is none, or its status is not its code's. */
export async function readProblem(response: Response): Promise<Problem> {
  const text = await response.text();
  const type = response.headers.get('content-type') ?? '';
  if (!type.startsWith('application/problem+json'))
    throw new Error(`${response.status} with ${type}, not a problem document: ${text}`);
  const problem = Problem.parse(JSON.parse(text));
  if (response.status !== ERROR_STATUS[problem.code] || problem.request_id !== response.headers.get('x-request-id'))
    throw new Error(`The head does not fit the problem document: ${text}`);
  return problem;
}
