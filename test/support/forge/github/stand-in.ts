import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { startGitServer, type Intercept } from '../../git-server.ts';
import type { Ends } from '../../folder.ts';
import { Actions } from './actions.ts';
import type { App, Token } from './apps.ts';
import { Refusal, type Call, type Handler, type Reply } from './call.ts';
import { gitAccess } from './git-access.ts';
import { graphql } from './graphql.ts';
import type { Operation } from './operations.ts';
import { webPage } from './pages.ts';
import { apps } from './rest/apps.ts';
import { issues } from './rest/issues.ts';
import { people } from './rest/people.ts';
import { pulls } from './rest/pulls.ts';
import { repositories } from './rest/repositories.ts';
import { answerFault, requestFault, type Json } from './shapes.ts';
import { SignIn } from './sign-in.ts';
import type { CheckRun } from './world.ts';

/** A call of the API that the stand-in received. `token`: that it bore. */
export type SeenCall = { method: string; path: string; token: string | null; status: number };

const HANDLERS = { ...people, ...repositories, ...issues, ...pulls, ...apps };
const ROUTES = (Object.entries(HANDLERS) as [Operation, Handler][]).map(([operation, handler]) => {
  const [method = '', path = ''] = operation.split(' ');
  const pattern = path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    ['path', 'branch', 'ref'].includes(name) ? `(?<${name}>.+)` : `(?<${name}>[^/]+)`,
  );
  return { operation, handler, method, pattern: new RegExp(`^${pattern}$`) };
});

/** Starts GitHub, as an Enterprise server at `http://127.0.0.1:<port>`. The test fails if an answer had a wrong shape. */
export async function startGitHub(t: Ends): Promise<GitHub> {
  const git_server = await startGitServer();
  const github = new GitHub(git_server);
  git_server.intercept = (request, response) => github.answer(request, response);
  t.teardown(async () => {
    await git_server.close();
    if (github.faults.length > 0) throw new Error(`The stand-in was not like GitHub: ${github.faults.join('; ')}`);
  });
  return github;
}

/** GitHub in memory, with git over HTTP: REST, GraphQL, sign-in, webhooks. */
export class GitHub extends Actions {
  readonly sign_in = new SignIn(this.world, this.apps);
  /** Answers and requests that GitHub's description of its API does not allow. */
  readonly faults: string[] = [];
  readonly calls: SeenCall[] = [];
  /** Answers calls in the stand-in's place. True: it has. */
  intercept: Intercept | undefined;
  /** Refuses all calls of the API until then, in milliseconds. */
  limited: { kind: 'primary' | 'secondary'; until: number } | undefined;

  /** `127.0.0.1:<port>`, for the setting `private_hosts`. */
  get host(): string {
    return this.world.git_server.host;
  }

  /** Where a job's log can be read without a token. */
  logUrl({ id }: CheckRun): string {
    return `${this.origin}/_logs/${id}?signature=secret`;
  }

  /** Handles what is not git. */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<boolean> {
    if (this.intercept !== undefined && (await this.intercept(request, response))) return true;
    const url = new URL(request.url ?? '/', this.origin);
    if (/\/(info\/refs|git-(upload|receive)-pack)$/.test(url.pathname)) return gitAccess(this, request, response, url);
    const body = await buffer(request);
    const reply =
      url.pathname === '/api/graphql' || url.pathname.startsWith(`${this.api_path}/`)
        ? await this.#api(request, url, body)
        : webPage(this, request, url, body);
    send(response, reply);
    return true;
  }

  async #api(request: IncomingMessage, url: URL, bytes: Buffer): Promise<Reply> {
    const { method = 'GET', headers } = request;
    const value = /^(?:bearer|token) (.+)$/i.exec(headers.authorization ?? '')?.[1] ?? null;
    const reply = await this.#reply(request, url, bytes, value).catch((error: unknown): Reply => {
      if (error instanceof Refusal) return error.reply;
      this.faults.push(String(error));
      return { status: 500, body: { message: String(error) } };
    });
    this.calls.push({ method, path: url.pathname + url.search, token: value, status: reply.status });
    const reset = String(Math.ceil((this.limited?.until ?? this.world.now() + 3_600_000) / 1000));
    const left = this.limited?.kind === 'primary' ? '0' : '4999';
    const limits = { 'x-ratelimit-limit': '5000', 'x-ratelimit-remaining': left, 'x-ratelimit-reset': reset };
    return { ...reply, headers: { ...limits, 'x-github-request-id': 'ABCD:1234', ...reply.headers } };
  }

  async #reply(request: IncomingMessage, url: URL, bytes: Buffer, value: string | null): Promise<Reply> {
    const { method = 'GET' } = request;
    if (request.headers['user-agent'] === undefined)
      throw new Refusal(403, 'Request forbidden by administrative rules.');
    this.#refuseLimited();
    const body = bytes.length === 0 ? {} : (JSON.parse(bytes.toString()) as Json);
    const call = {
      github: this,
      params: {},
      query: url.searchParams,
      body,
      url,
      ...(await this.#bearer(request, value)),
    };
    if (url.pathname === '/api/graphql') return { status: 200, body: await graphql(call) };
    const path = this.#namedPath(url.pathname.slice(this.api_path.length));
    const route = ROUTES.find((one) => one.method === method && one.pattern.test(path));
    if (route === undefined) throw new Refusal(404, 'Not Found');
    const groups = Object.entries(route.pattern.exec(path)?.groups ?? {});
    const params = Object.fromEntries(groups.map(([name, text]) => [name, decodeURIComponent(text)]));
    const wrong = requestFault(route.operation, body);
    if (wrong !== undefined) throw new Refusal(422, `Invalid request.\n\n${wrong}`);
    return this.#checked(route.operation, await route.handler({ ...call, params }));
  }

  /** Addresses by the repository's id lead to the same place as those by its name. */
  #namedPath(path: string): string {
    return path.replace(/^\/repositories\/(\d+)/, (_, id: string) => {
      const found = this.world.repositories.find((one) => String(one.id) === id);
      return found === undefined ? '/gone' : `/repos/${found.owner.login}/${found.name}`;
    });
  }

  #refuseLimited(): void {
    if (this.limited === undefined || this.limited.until <= this.world.now()) {
      this.limited = undefined;
      return;
    }
    const { kind, until } = this.limited;
    if (kind === 'primary') throw new Refusal(403, 'API rate limit exceeded for user ID 1.');
    const headers = { 'retry-after': String(Math.ceil((until - this.world.now()) / 1000)) };
    throw new Refusal(403, 'You have exceeded a secondary rate limit.', { headers });
  }

  async #bearer({ headers }: IncomingMessage, value: string | null): Promise<Pick<Call, 'token' | 'app'>> {
    const basic = /^basic (.+)$/i.exec(headers.authorization ?? '')?.[1];
    if (basic !== undefined) return { token: null, app: this.#client(basic) };
    if (value === null) return { token: null, app: null };
    const token: Token | undefined = this.apps.token(value);
    if (token !== undefined) return { token, app: null };
    const app = value.split('.').length === 3 ? await this.apps.appOf(value) : undefined;
    if (app === undefined) throw new Refusal(401, 'Bad credentials');
    return { token: null, app };
  }

  #client(basic: string): App | null {
    const [id, password] = Buffer.from(basic, 'base64').toString().split(':');
    return this.apps.apps.find((one) => one.client_id === id && one.client_secret === password) ?? null;
  }

  #checked(operation: Operation, reply: Reply): Reply {
    const fault = answerFault(operation, reply.status, reply.body === undefined ? undefined : toJson(reply.body));
    if (fault !== undefined) throw new Error(`${operation} ${reply.status}: ${fault}`);
    return reply;
  }
}

/** Without fields that are undefined. */
const toJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

function send(response: ServerResponse, { status, body, headers = {} }: Reply): void {
  if (body === undefined) return void response.writeHead(status, headers).end();
  const is_text = typeof body === 'string';
  const type = is_text ? 'text/html; charset=utf-8' : 'application/json; charset=utf-8';
  response.writeHead(status, { 'content-type': type, ...headers }).end(is_text ? body : JSON.stringify(body));
}
