import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { App } from '../apps.ts';
import { Refusal, type Call, type Handler, type Reply } from './call.ts';
import type { GitHub } from './github.ts';
import { graphql } from './graphql.ts';
import type { Operation } from './operations.ts';
import { apps } from './rest/apps.ts';
import { checks } from './rest/checks.ts';
import { issues } from './rest/issues.ts';
import { people } from './rest/people.ts';
import { pulls } from './rest/pulls.ts';
import { repositories } from './rest/repositories.ts';
import { answerFault, requestFault, type Json } from './shapes.ts';

const HANDLERS = { ...people, ...repositories, ...checks, ...issues, ...pulls, ...apps };
const ROUTES = (Object.entries(HANDLERS) as [Operation, Handler][]).map(([operation, handler]) => {
  const [method = '', path = ''] = operation.split(' ');
  const pattern = path
    .replace('/{path}', '/?(?<path>(?<=/).+|$)')
    .replaceAll(/\{(\w+)\}/g, (_, name: string) =>
      ['branch', 'ref'].includes(name) ? `(?<${name}>.+)` : `(?<${name}>[^/]+)`,
    );
  return { operation, handler, method, pattern: new RegExp(`^${pattern}$`) };
});

const GRAPHQL = '/api/graphql';

/** Whether a request is for the REST or the GraphQL API. */
export function isApi({ api_path }: GitHub, { pathname }: URL): boolean {
  return pathname === GRAPHQL || pathname.startsWith(`${api_path}/`);
}

/** Answers a call of the API, with GitHub's headers. */
export async function callApi(github: GitHub, request: IncomingMessage, url: URL, bytes: Buffer): Promise<Reply> {
  const { method = 'GET', headers } = request;
  const token = /^(?:bearer|token) (.+)$/i.exec(headers.authorization ?? '')?.[1] ?? null;
  const answer = await replyTo(github, request, url, bytes, token).catch((error: unknown): Reply => {
    if (error instanceof Refusal) return error.reply;
    github.faults.push(String(error));
    return { status: 500, body: { message: String(error) } };
  });
  const reply = method === 'GET' ? unlessUnchanged(answer, headers['if-none-match']) : answer;
  github.calls.push({ method, path: url.pathname + url.search, token, status: reply.status });
  const reset = String(Math.ceil((github.limited?.until ?? github.world.now() + 3_600_000) / 1000));
  const left = github.limited?.kind === 'primary' ? '0' : '4999';
  const limits = { 'x-ratelimit-limit': '5000', 'x-ratelimit-remaining': left, 'x-ratelimit-reset': reset };
  return { ...reply, headers: { ...limits, 'x-github-request-id': 'ABCD:1234', ...reply.headers } };
}

/** An answer that the caller has already is not sent again. */
function unlessUnchanged({ status, body, headers }: Reply, known: string | undefined): Reply {
  if (status !== 200) return { status, body, ...(headers && { headers }) };
  const etag = `W/"${createHash('sha256').update(JSON.stringify(body)).digest('hex')}"`;
  return known === etag ? { status: 304, headers: { etag } } : { status, body, headers: { ...headers, etag } };
}

async function replyTo(
  github: GitHub,
  { method = 'GET', headers }: IncomingMessage,
  url: URL,
  bytes: Buffer,
  token: string | null,
): Promise<Reply> {
  if (headers['user-agent'] === undefined) throw new Refusal(403, 'Request forbidden by administrative rules.');
  refuseLimited(github);
  const body = bytes.length === 0 ? {} : (JSON.parse(bytes.toString()) as Json);
  const bearer = await bearerOf(github, headers.authorization, token);
  const call: Call = { github, method, params: {}, query: url.searchParams, body, url, ...bearer };
  if (url.pathname === GRAPHQL) return { status: 200, body: await graphql(call) };
  const path = namedPath(github, url.pathname.slice(github.api_path.length));
  const route = ROUTES.find((one) => one.method === method && one.pattern.test(path));
  if (route === undefined) throw new Refusal(404, 'Not Found');
  const groups = Object.entries(route.pattern.exec(path)?.groups ?? {});
  const params = Object.fromEntries(groups.map(([name, text]) => [name, decodeURIComponent(text)]));
  const wrong = requestFault(route.operation, body);
  if (wrong !== undefined) throw new Refusal(422, `Invalid request.\n\n${wrong}`);
  return checked(route.operation, await route.handler({ ...call, params }));
}

/** Addresses by the repository's id lead to the same place as those by its name. */
function namedPath({ world }: GitHub, path: string): string {
  return path.replace(/^\/repositories\/(\d+)/, (_, id: string) => {
    const found = world.repositories.find((one) => String(one.id) === id);
    return found === undefined ? '/gone' : `/repos/${found.owner.login}/${found.name}`;
  });
}

function refuseLimited(github: GitHub): void {
  const { limited, world } = github;
  if (limited === undefined || limited.until <= world.now()) {
    github.limited = undefined;
    return;
  }
  if (limited.kind === 'primary') throw new Refusal(403, 'API rate limit exceeded for user ID 1.');
  const headers = { 'retry-after': String(Math.ceil((limited.until - world.now()) / 1000)) };
  throw new Refusal(403, 'You have exceeded a secondary rate limit.', { headers });
}

/** A token, or an app: by the JWT of its key, or by its client id and secret. */
async function bearerOf(
  { apps }: GitHub,
  authorization = '',
  value: string | null,
): Promise<Pick<Call, 'token' | 'app'>> {
  const basic = /^basic (.+)$/i.exec(authorization)?.[1];
  if (basic !== undefined) return { token: null, app: clientOf(apps.apps, basic) };
  if (value === null) return { token: null, app: null };
  const token = apps.token(value);
  if (token !== undefined) return { token, app: null };
  const app = value.split('.').length === 3 ? await apps.appOf(value) : undefined;
  if (app === undefined) throw new Refusal(401, 'Bad credentials');
  return { token: null, app };
}

function clientOf(apps: App[], basic: string): App | null {
  const [id, secret] = Buffer.from(basic, 'base64').toString().split(':');
  return apps.find((one) => one.client_id === id && one.client_secret === secret) ?? null;
}

function checked(operation: Operation, reply: Reply): Reply {
  // As it is sent: without fields that are undefined.
  const body: unknown = reply.body === undefined ? undefined : JSON.parse(JSON.stringify(reply.body));
  const fault = answerFault(operation, reply.status, body);
  if (fault !== undefined) throw new Error(`${operation} ${reply.status}: ${fault}`);
  return reply;
}
