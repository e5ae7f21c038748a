import type { Permission } from '../../../../coordinator/forge/forge.ts';
import type { App, Right, Token } from '../apps.ts';
import type { Operation } from './operations.ts';
import type { Json } from './shapes.ts';
import type { GitHub } from './github.ts';
import { atLeast, isPull, type Issue, type Person, type PullIssue, type Repository } from '../world.ts';

/** A call of the REST API. */
export type Call = {
  github: GitHub;
  method: string;
  params: Record<string, string>;
  query: URLSearchParams;
  body: Json;
  token: Token | null;
  /** The app whose JWT came with the call. */
  app: App | null;
  url: URL;
};

/** Its answer; without a body: none is sent. */
export type Reply = { status: number; body?: unknown; headers?: Record<string, string> };

export type Handler = (call: Call) => Reply | Promise<Reply>;
export type Handlers = Partial<Record<Operation, Handler>>;

/** A call that GitHub refuses. */
export class Refusal extends Error {
  readonly reply: Reply;

  constructor(
    status: number,
    message: string,
    { errors, headers = {} }: { errors?: Json[]; headers?: Record<string, string> } = {},
  ) {
    super(message);
    const documentation_url = 'https://docs.github.com/rest';
    this.reply = {
      status,
      headers,
      body: { message, documentation_url, status: String(status), ...(errors && { errors }) },
    };
  }
}

export const ok = (body: unknown, headers: Record<string, string> = {}): Reply => ({ status: 200, body, headers });
export const notFound = (): Refusal => new Refusal(404, 'Not Found');

/** GitHub's answer to input that it refuses. */
export function invalid(resource: string, field: string, message?: string): Refusal {
  const errors = [message === undefined ? { resource, field, code: 'invalid' } : { resource, code: 'custom', message }];
  return new Refusal(422, 'Validation Failed', { errors });
}

/** Who the call is by: a person, or the bot of an app. */
export function actor({ token }: Call): Person {
  const person = token?.person ?? token?.installation?.app.bot;
  if (person === undefined) throw new Refusal(401, 'Requires authentication');
  return person;
}

/**
 * The repository of the call, if the token sees it. Where it has another name now, the answer is a redirect to its
 * id.
 */
export function repositoryOf(call: Call, needed: Permission = 'read'): Repository {
  const { github, method, params, token, url } = call;
  const { owner = '', repo = '' } = params;
  const here = github.world.repository(owner, repo);
  const moved = github.world.moved.get(`${owner}/${repo}`.toLowerCase());
  const found = here ?? moved;
  if (found === undefined) throw notFound();
  const permission = github.apps.permission(token, found);
  if (permission === 'none') throw notFound();
  if (here === undefined) {
    const rest = url.pathname.slice(`${github.api_path}/repos/${owner}/${repo}`.length);
    const location = `${github.api}/repositories/${found.id}${rest}${url.search}`;
    throw method === 'GET'
      ? new Refusal(301, 'Moved Permanently', { headers: { location } })
      : new Refusal(307, 'Temporary Redirect', { headers: { location } });
  }
  if (atLeast(permission, needed)) return here;
  if (token === null) throw new Refusal(401, 'Requires authentication');
  throw new Refusal(403, token.app ? 'Resource not accessible by integration' : 'Must have push access to repository.');
}

/** Refuses a fine-grained token without this right: what is public needs none. */
export function requireRight({ token }: Call, repository: Repository, right: Right | 'checks'): void {
  const rights: ReadonlySet<string> | null = token?.rights ?? null;
  if (rights !== null && repository.private && !rights.has(right))
    throw new Refusal(403, 'Resource not accessible by personal access token');
}

export function issueOf({ params }: Call, repository: Repository): Issue {
  const number = Number(params['issue_number'] ?? params['pull_number']);
  const found = repository.issues.find((issue) => issue.number === number);
  if (found === undefined) throw notFound();
  return found;
}

export async function pullOf(call: Call, repository: Repository): Promise<PullIssue> {
  const issue = issueOf(call, repository);
  if (!isPull(issue)) throw notFound();
  await call.github.world.freshPull(repository, issue.pull);
  return issue;
}

/** What goes with a list that leaves out what these accounts own, where an organisation asks for single sign-on. */
export function ssoHeader({ github }: Call, owners: Person[]): Record<string, string> {
  const left_out = new Set(owners.filter((owner) => github.sso.has(owner)).map(({ id }) => id));
  return left_out.size === 0 ? {} : { 'x-github-sso': `partial-results; organizations=${[...left_out].join(',')}` };
}

/** One page of a list, with the `Link` header that leads to the next. */
export function page<T>({ query, url, github }: Call, all: T[]): { items: T[]; headers: Record<string, string> } {
  const per_page = Math.min(Math.max(Number(query.get('per_page') ?? 30), 1), 100);
  const number = Math.max(Number(query.get('page') ?? 1), 1);
  const items = all.slice((number - 1) * per_page, number * per_page);
  const link = (to: number, rel: string) => {
    const target = new URL(github.origin + url.pathname + url.search);
    target.searchParams.set('page', String(to));
    return `<${target.href}>; rel="${rel}"`;
  };
  const last = Math.max(1, Math.ceil(all.length / per_page));
  const links = [
    ...(number > 1 ? [link(number - 1, 'prev'), link(1, 'first')] : []),
    ...(number < last ? [link(number + 1, 'next'), link(last, 'last')] : []),
  ];
  return { items, headers: links.length > 0 ? { link: links.join(', ') } : {} };
}
