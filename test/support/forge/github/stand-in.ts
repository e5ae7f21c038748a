import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { startGitServer } from '../../git-server.ts';
import type { Ends } from '../../folder.ts';
import { gitAccess } from '../git-access.ts';
import { callApi, isApi } from './api.ts';
import type { Reply } from './call.ts';
import { GitHub } from './github.ts';
import { webPage } from './pages.ts';

/**
 * Starts GitHub, as an Enterprise server at `http://127.0.0.1:<port>`. The test fails if an answer had a wrong shape.
 */
export async function startGitHub(t: Ends): Promise<GitHub> {
  const git_server = await startGitServer();
  const github = new GitHub(git_server);
  git_server.intercept = (request, response) => answer(github, request, response);
  t.teardown(async () => {
    await git_server.close();
    if (github.faults.length > 0) throw new Error(`The stand-in was not like GitHub: ${github.faults.join('; ')}`);
  });
  return github;
}

/** Handles what is not git; false: git goes on. */
async function answer(github: GitHub, request: IncomingMessage, response: ServerResponse): Promise<boolean> {
  if (github.intercept !== undefined && (await github.intercept(request, response))) return true;
  const url = new URL(request.url ?? '/', github.origin);
  if (/\/(info\/refs|git-(upload|receive)-pack)$/.test(url.pathname)) return gitAccess(github, request, response, url);
  const body = await buffer(request);
  const reply = isApi(github, url) ? await callApi(github, request, url, body) : webPage(github, request, url, body);
  send(response, reply);
  return true;
}

function send(response: ServerResponse, { status, body, headers = {} }: Reply): void {
  if (body === undefined) return void response.writeHead(status, headers).end();
  const is_text = typeof body === 'string';
  const type = is_text ? 'text/html; charset=utf-8' : 'application/json; charset=utf-8';
  response.writeHead(status, { 'content-type': type, ...headers }).end(is_text ? body : JSON.stringify(body));
}
