import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import type { Ends } from '../../folder.ts';
import { startGitServer } from '../../git-server.ts';
import { gitAccess } from '../git-access.ts';
import { notFound, Refusal, type Handler, type Reply } from './call.ts';
import { Gitea } from './gitea.ts';
import { issues, reviews } from './issues.ts';
import { repositories } from './repositories.ts';
import { faultOf, type Json } from './shapes.ts';

const API = '/api/v1';
/** What the bodies of calls must have. */
const REQUESTS: Record<string, string> = {
  'POST /repos/{owner}/{repo}/issues/{index}/comments': 'CreateComment',
  'PATCH /repos/{owner}/{repo}/issues/comments/{id}': 'CreateComment',
  'POST /repos/{owner}/{repo}/pulls/{index}/comments/{id}/replies': 'CreateComment',
  'POST /repos/{owner}/{repo}/pulls': 'CreatePull',
  'POST /repos/{owner}/{repo}/pulls/{index}/merge': 'MergePull',
  'POST /repos/{owner}/{repo}/pulls/{index}/reviews': 'CreateReview',
};

const ROUTES = Object.entries<Handler>({ ...repositories, ...issues, ...reviews }).map(([name, handler]) => {
  const [method = '', path = ''] = name.split(' ');
  const pattern = path
    .replace('/{path}', '/?(?<path>(?<=/).+|$)')
    .replaceAll(/\{(\w+)\}/g, (_, key: string) =>
      ['branch', 'basehead'].includes(key) ? `(?<${key}>.+)` : `(?<${key}>[^/]+)`,
    );
  return { name, handler, method, pattern: new RegExp(`^${pattern}$`) };
});

/** Starts Gitea at `http://127.0.0.1:<port>`. The test fails if an answer had a wrong shape. */
export async function startGitea(t: Ends): Promise<Gitea> {
  const git_server = await startGitServer();
  const gitea = new Gitea(git_server);
  git_server.intercept = (request, response) => answer(gitea, request, response);
  t.teardown(async () => {
    await git_server.close();
    if (gitea.faults.length > 0) throw new Error(`The stand-in was not like Gitea: ${gitea.faults.join('; ')}`);
  });
  return gitea;
}

/** Handles what is not git; false: git goes on. */
async function answer(gitea: Gitea, request: IncomingMessage, response: ServerResponse): Promise<boolean> {
  if (gitea.intercept !== undefined && (await gitea.intercept(request, response))) return true;
  const url = new URL(request.url ?? '/', gitea.origin);
  if (/\/(info\/refs|git-(upload|receive)-pack)$/.test(url.pathname)) return gitAccess(gitea, request, response, url);
  const bytes = await buffer(request);
  const {
    status,
    body,
    headers = {},
  } = await replyTo(gitea, request, url, bytes).catch((error: unknown): Reply => {
    if (error instanceof Refusal) return error.reply;
    gitea.faults.push(String(error));
    return { status: 500, body: { message: String(error) } };
  });
  const type = typeof body === 'string' ? 'text/plain; charset=utf-8' : 'application/json;charset=utf-8';
  response.writeHead(status, body === undefined ? headers : { 'content-type': type, ...headers });
  response.end(body === undefined || typeof body === 'string' ? body : JSON.stringify(body));
  return true;
}

async function replyTo(gitea: Gitea, request: IncomingMessage, url: URL, bytes: Buffer): Promise<Reply> {
  const { method, headers } = request;
  const value = /^(?:bearer|token) (.+)$/i.exec(headers.authorization ?? '')?.[1];
  const token = value === undefined ? null : gitea.apps.token(value);
  if (token === undefined) throw new Refusal(401, 'invalid username, password or token');
  const path = url.pathname.slice(API.length);
  const route = ROUTES.find((one) => one.method === method && one.pattern.test(path));
  if (route === undefined || !url.pathname.startsWith(`${API}/`)) throw notFound();
  const body = bytes.length === 0 ? {} : (JSON.parse(bytes.toString()) as Json);
  const expected = REQUESTS[route.name];
  const wrong = expected && faultOf(expected, body);
  if (wrong !== undefined) throw new Refusal(422, wrong);
  const groups = Object.entries(route.pattern.exec(path)?.groups ?? {});
  const params = Object.fromEntries(groups.map(([key, text]) => [key, decodeURIComponent(text)]));
  const reply = await route.handler({ gitea, params, query: url.searchParams, body, token, url });
  const fault = reply.shape && faultOf(reply.shape, JSON.parse(JSON.stringify(reply.body)));
  if (fault !== undefined) throw new Error(`${route.name}: ${fault}`);
  return reply;
}
