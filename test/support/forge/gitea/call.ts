import type { Permission } from '../../../../coordinator/forge/forge.ts';
import { atLeast, isPull, type Issue, type Person, type PullIssue, type Repository } from '../world.ts';
import type { Token } from '../apps.ts';
import type { Gitea } from './gitea.ts';
import type { Json } from './shapes.ts';

/** A call of the API. `token` null: none came with it. */
export type Call = {
  gitea: Gitea;
  params: Record<string, string>;
  query: URLSearchParams;
  body: Json;
  token: Token | null;
  url: URL;
};
/** Its answer. `shape`: what the body is checked against. */
export type Reply = { status: number; shape?: string; body?: unknown; headers?: Record<string, string> };
export type Handler = (call: Call) => Reply | Promise<Reply>;

/** A call that Gitea refuses. */
export class Refusal extends Error {
  readonly reply: Reply;

  constructor(status: number, message: string, headers: Record<string, string> = {}) {
    super(message);
    this.reply = { status, headers, body: { message, url: 'https://forge.example/api/swagger' } };
  }
}

export const notFound = (): Refusal => new Refusal(404, "The target couldn't be found.");

export function actor({ token }: Call): Person {
  if (!token?.person) throw new Refusal(401, 'token is required');
  return token.person;
}

/** The repository of the call, if the token sees it. A former name leads to the new one. */
export function repositoryOf({ gitea, params, token, url }: Call, needed: Permission = 'read'): Repository {
  const { owner = '', repo = '' } = params;
  const here = gitea.world.repository(owner, repo);
  const found = here ?? gitea.world.moved.get(`${owner}/${repo}`.toLowerCase());
  if (found === undefined) throw notFound();
  const permission = gitea.apps.permission(token, found);
  if (permission === 'none') throw notFound();
  if (here === undefined) {
    const location = url.pathname.replace(`/${owner}/${repo}`, `/${found.owner.login}/${found.name}`) + url.search;
    throw new Refusal(307, 'moved', { location });
  }
  if (!atLeast(permission, needed)) throw new Refusal(403, 'user should have a permission to write to this repo');
  return here;
}

export function issueOf({ params }: Call, repository: Repository): Issue {
  const found = repository.issues.find(({ number }) => String(number) === params['index']);
  if (found === undefined) throw notFound();
  return found;
}

export async function pullOf(call: Call, repository: Repository): Promise<PullIssue> {
  const issue = issueOf(call, repository);
  if (!isPull(issue)) throw notFound();
  await call.gitea.world.freshPull(repository, issue.pull);
  return issue;
}

/** One page of a list, with the `Link` header. */
export function page<T>({ query, url, gitea }: Call, all: T[]): { items: T[]; headers: Record<string, string> } {
  const limit = Math.min(Number(query.get('limit') ?? 30), gitea.page_items_max);
  const number = Number(query.get('page') ?? 1);
  const next = new URL(gitea.origin + url.pathname + url.search);
  next.searchParams.set('page', String(number + 1));
  const more = number * limit < all.length;
  const headers = { 'x-total-count': String(all.length), ...(more && { link: `<${next.href}>; rel="next"` }) };
  return { items: all.slice((number - 1) * limit, number * limit), headers };
}
